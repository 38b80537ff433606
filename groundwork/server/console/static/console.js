// What pages do beyond plain links and forms: lines from sentences to sources, keys, theme, local times, busy buttons.
"use strict";
(() => {
  const $ = (selector, root = document) => root.querySelector(selector);
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const SVG = "http://www.w3.org/2000/svg";

  // --- evidence: hovering or focusing a sentence joins it to its sources, and the other way round ---
  const record = $("#record");
  const threads = $("#threads");
  const marksOf = (sentence) => (sentence.dataset.sources || "").split(" ").filter(Boolean).map((n) => markOf(n)).filter(Boolean);
  const markOf = (n) => all("mark[id^='quote-']", record).find((m) => {
    const tag = $(".tag", m);
    return m.id === `quote-${n}` || (tag && tag.textContent.split(", ").includes(n));
  });

  function clear() {
    all(".on", record).forEach((e) => e.classList.remove("on"));
    threads.replaceChildren();
  }

  function join(sentences) {
    clear();
    for (const sentence of sentences) {
      sentence.classList.add("on");
      for (const mark of marksOf(sentence)) {
        mark.classList.add("on");
        draw(sentence, mark);
      }
    }
  }

  // A bar beside the sentence's lines, then a curve to the quoted span: the line crosses no text of the answer.
  function draw(sentence, mark) {
    const frame = record.getBoundingClientRect();
    const lines = sentence.getBoundingClientRect();
    const to = mark.getClientRects()[0];
    const box = mark.closest("blockquote").getBoundingClientRect();
    const edge = $(".said").getBoundingClientRect().right;
    if (!to || box.left < edge) return; // one column: the highlight alone says it
    const x1 = edge - frame.left + 8, x2 = box.left - frame.left - 22, middle = (x1 + x2) / 2;
    const top = lines.top - frame.top + 2, bottom = lines.bottom - frame.top - 2, y1 = (top + bottom) / 2;
    const y2 = Math.min(Math.max(to.top + to.height / 2, box.top + 4), box.bottom - 4) - frame.top;
    const x3 = to.left - 8 - frame.left;
    const path = document.createElementNS(SVG, "path");
    path.setAttribute("d", `M${x1} ${top} V${bottom} M${x1} ${y1} C${middle} ${y1} ${middle} ${y2} ${x2} ${y2} H${box.left - frame.left - 6}`);
    const end = document.createElementNS(SVG, "circle");
    end.setAttribute("cx", Math.min(x3, box.left - frame.left - 6));
    end.setAttribute("cy", y2);
    end.setAttribute("r", 3);
    threads.append(path, end);
  }

  if (record && threads) {
    const sentences = all(".sentence[data-sources]", record);
    const citing = (mark) => sentences.filter((s) => marksOf(s).includes(mark));
    for (const s of sentences) {
      s.addEventListener("mouseenter", () => join([s]));
      s.addEventListener("mouseleave", clear);
      s.addEventListener("focusin", () => join([s]));
      s.addEventListener("focusout", clear);
      s.addEventListener("keydown", (event) => {
        if (event.key === "Enter" && event.target === s) marksOf(s)[0]?.scrollIntoView({ block: "center" });
      });
    }
    for (const mark of all("mark[id^='quote-']", record)) {
      mark.addEventListener("mouseenter", () => join(citing(mark)));
      mark.addEventListener("mouseleave", clear);
      mark.addEventListener("focusin", () => join(citing(mark)));
      mark.addEventListener("focusout", clear);
    }
    addEventListener("resize", clear);
  }

  // --- a document opened at a span: go there also when the address has no fragment ---
  const span = $("#span");
  if (span && !location.hash) span.scrollIntoView({ block: "center", behavior: "instant" });

  // --- theme: kept in a cookie, so that the server sends the right page and nothing flickers ---
  const theme = $("#theme");
  const root = document.documentElement;
  const systemDark = matchMedia("(prefers-color-scheme: dark)");
  const dark = () => (root.dataset.theme || (systemDark.matches ? "dark" : "light")) === "dark";
  const label = () => { theme.textContent = dark() ? "Light" : "Dark"; theme.setAttribute("aria-label", `Switch to ${dark() ? "light" : "dark"} colours`); };
  theme.hidden = false;
  label();
  systemDark.addEventListener("change", label);
  theme.addEventListener("click", () => {
    root.dataset.theme = dark() ? "light" : "dark";
    document.cookie = `groundwork_theme=${root.dataset.theme}; path=/; max-age=31536000; samesite=strict`;
    label();
  });

  // --- keys ---
  const help = $("#key-help");
  $("#keys").hidden = false;
  $("#keys").addEventListener("click", () => help.showModal());
  let goes = -Infinity; // when `g` was pressed
  const typing = (e) => e.isContentEditable || /^(input|textarea|select)$/i.test(e.tagName);
  const rows = () => all(".span-row:not(.folded-in) > a, [data-row] a.line-title");
  function step(by) {
    const sentences = all(".sentence", record || document);
    const places = sentences.length ? sentences : rows();
    if (!places.length) return;
    const active = document.activeElement;
    const at = places.findIndex((p) => p === active || p.contains(active) || p.closest("[data-row], .span-row")?.contains(active));
    const next = places[Math.min(Math.max(at + by, 0), places.length - 1)];
    next.focus();
    next.scrollIntoView({ block: "nearest" });
  }
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (typing(event.target)) {
      if (event.key === "Escape") event.target.blur();
      return;
    }
    if (help.open) return;
    const went = performance.now() - goes < 1500;
    goes = -Infinity;
    if (went) {
      const room = $(`.rail a[data-key="${CSS.escape(event.key)}"]`);
      if (room) { event.preventDefault(); location.assign(room.href); }
    } else if (event.key === "g") goes = performance.now();
    else if (event.key === "?") { event.preventDefault(); help.showModal(); }
    else if (event.key === "j") step(1);
    else if (event.key === "k") step(-1);
    else if (event.key === "/") {
      event.preventDefault();
      const search = $("#find");
      search.focus();
      search.select();
    } else if (event.key === "f") {
      event.preventDefault();
      const field = $("[data-search]");
      if (field) { field.focus(); field.select(); } else location.assign("/");
    }
  });

  // --- two snapshots pressed with Shift, one after the other, are compared ---
  let chosen = null;
  for (const pin of all("a.pin[href^='/knowledge/']")) {
    pin.addEventListener("click", (event) => {
      const [, index, id] = /^\/knowledge\/([^@/]+)@(\w+)$/.exec(pin.getAttribute("href")) || [];
      if (!event.shiftKey || !id) return;
      event.preventDefault();
      chosen?.pin.classList.remove("chosen");
      if (chosen && chosen.index === index && chosen.id !== id) {
        location.assign(`/knowledge/${index}/diff?old=${chosen.id}&new=${id}`);
        return;
      }
      chosen = { pin, index, id };
      pin.classList.add("chosen");
    });
  }

  // --- times: local on hover ---
  function localTimes(within) {
    for (const t of all("time[datetime]", within)) t.title = new Date(t.dateTime).toLocaleString();
  }
  localTimes(document);
  document.addEventListener("htmx:afterSwap", () => localTimes(document));

  // --- a job that ends takes its button to cancel with it ---
  document.addEventListener("htmx:afterSwap", () => {
    const progress = $("#progress");
    if (progress && progress.getAttribute("aria-busy") === "false") $("#cancel")?.remove();
  });

  // --- what is made to be pasted can be copied by one press ---
  const showCopy = () => all("button[data-copy]").forEach((b) => { b.hidden = false; });
  showCopy();
  document.addEventListener("htmx:afterSwap", showCopy);
  document.addEventListener("click", async (event) => {
    const button = event.target.closest("button[data-copy]");
    if (!button) return;
    const text = $(`#${CSS.escape(button.dataset.copy)}`);
    try {
      await navigator.clipboard.writeText(text.textContent);
      button.textContent = "Copied";
    } catch {
      getSelection().selectAllChildren(text);
      button.textContent = "Selected";
    }
    setTimeout(() => { button.textContent = "Copy"; }, 1500);
  });

  // --- what scrolls in itself can be reached and scrolled by keys ---
  function reachScrollers() {
    for (const box of all(".scroll, .as-is, .panel, .outline, main pre, main blockquote, h1.long")) {
      const scrolls = box.scrollWidth > box.clientWidth + 1 || box.scrollHeight > box.clientHeight + 1;
      if (scrolls && box.tabIndex < 0 && getComputedStyle(box).overflow !== "visible") box.tabIndex = 0;
    }
  }
  reachScrollers();
  addEventListener("resize", reachScrollers);
  document.addEventListener("htmx:afterSwap", reachScrollers);
  document.addEventListener("toggle", reachScrollers, true);

  // --- a small box that opened closes again when something else is pressed ---
  document.addEventListener("click", (event) => {
    for (const box of all("details.pop[open]")) if (!box.contains(event.target)) box.open = false;
  });
  document.addEventListener("keydown", (event) => {
    const box = event.key === "Escape" && event.target.closest?.("details.pop[open]");
    if (box) { box.open = false; $("summary", box).focus(); }
  });

  // --- a form that is under way says so; Control and Enter send a question ---
  for (const form of all("form[data-busy]")) {
    form.addEventListener("submit", () => {
      const button = $("button", form);
      button.dataset.label = button.textContent;
      button.textContent = form.dataset.busy;
      button.disabled = true;
    });
  }
  addEventListener("pageshow", () => all("button[data-label]").forEach((b) => { b.textContent = b.dataset.label; b.disabled = false; }));
  for (const text of all("form.ask textarea")) {
    text.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) text.form.requestSubmit();
    });
  }
})();
