// What the pages of traces do beyond links and forms: folding, walking failed spans, the open span, the list that moves.
"use strict";
(() => {
  const $ = (selector, root = document) => root.querySelector(selector);
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const typing = (e) => e.isContentEditable || /^(input|textarea|select)$/i.test(e.tagName);
  const spans = $("#spans");
  const depth = (row) => Number(row.dataset.depth);

  // --- folding: rows stand in order, so what is inside a span is what follows and lies deeper ---
  function inside(row) {
    const found = [];
    for (let next = row.nextElementSibling; next?.dataset.depth && depth(next) > depth(row); next = next.nextElementSibling) found.push(next);
    return found;
  }

  function addFolds() {
    for (const row of all(".span-row[data-children]", spans)) {
      if ($(".fold", row)) continue;
      const button = document.createElement("button");
      button.type = "button";
      button.className = "fold";
      button.tabIndex = -1; // the arrow keys fold too; two hundred stops would bury what comes after
      say(button, row, true);
      row.prepend(button);
    }
  }

  function say(button, row, open) {
    button.textContent = open ? "▾" : "▸";
    button.setAttribute("aria-expanded", open);
    button.setAttribute("aria-label", `${open ? "Fold" : "Unfold"} ${$(".span-name", row).textContent}`);
  }

  function fold(row, open) {
    const button = $(".fold", row);
    if (!button) return;
    say(button, row, open);
    let closed = Infinity; // below a folded span everything stays folded
    for (const inner of inside(row)) {
      if (depth(inner) <= closed) closed = Infinity;
      inner.classList.toggle("folded-in", !open || depth(inner) > closed);
      if (closed === Infinity && $(".fold", inner)?.getAttribute("aria-expanded") === "false") closed = depth(inner);
    }
  }

  function walk(by) {
    const links = all(".span-row > a", spans);
    const from = links.indexOf(document.activeElement) >= 0 ? links.indexOf(document.activeElement) : links.findIndex((l) => l.hasAttribute("aria-current"));
    const failed = links.map((l, n) => [l, n]).filter(([l, n]) => l.parentElement.classList.contains("failed") && (by > 0 ? n > from : n < from));
    const next = by > 0 ? failed[0] : failed.at(-1);
    if (next) {
      for (const row of all(".span-row", spans)) if (inside(row).includes(next[0].parentElement)) fold(row, true);
      next[0].focus();
      next[0].scrollIntoView({ block: "center" });
      return;
    }
    const known = all(".span-row.failed", spans).length;
    if (Number(spans.dataset.failed) > known) location.assign(spans.dataset.errors);
    else $("#walk").textContent = known ? "There is no further failed span." : "No span failed.";
  }

  if (spans) {
    addFolds();
    spans.addEventListener("click", (event) => {
      const button = event.target.closest(".fold");
      if (button) fold(button.parentElement, button.getAttribute("aria-expanded") === "false");
    });
    document.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target) || $("dialog[open]")) return;
      const row = document.activeElement.closest?.(".span-row");
      if (event.key === "]") walk(1);
      else if (event.key === "[") walk(-1);
      else if (row && event.key === "ArrowRight") fold(row, true);
      else if (row && event.key === "ArrowLeft") fold(row, false);
      else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
        if (!row) return;
        event.preventDefault();
        document.dispatchEvent(new KeyboardEvent("keydown", { key: event.key === "ArrowDown" ? "j" : "k" }));
      }
    });
  }

  // --- the span that is open: marked in the tree, and brought into view where the panel stands below ---
  document.addEventListener("htmx:afterSwap", (event) => {
    if ([event.detail.target?.id, event.detail.elt?.id].includes("panel")) {
      sift();
      const id = $("#panel-id")?.textContent;
      for (const link of all(".span-row > a", spans)) {
        if (link.id === `row-${id}`) link.setAttribute("aria-current", "true");
        else link.removeAttribute("aria-current");
      }
      const panel = $("#panel");
      panel.scrollTop = 0;
      if (panel.getBoundingClientRect().top > innerHeight * 0.8) panel.scrollIntoView({ block: "start" });
    }
    if (spans) addFolds();
  });
  const current = $(".span-row > a[aria-current]");
  if (current && !location.hash) current.scrollIntoView({ block: "nearest" });

  // --- attributes narrowed while one types ---
  function sift() {
    const field = $("#sift");
    if (!field) return;
    field.hidden = false;
    field.addEventListener("input", () => {
      const word = field.value.toLowerCase();
      for (const row of all("[data-sift] tr")) row.hidden = !row.textContent.toLowerCase().includes(word);
      for (const box of all("[data-sift] details")) box.open = Boolean(word) && all("tr:not([hidden])", box).length > 0;
    });
  }
  sift();

  // --- the list: it does not move under somebody who chooses, and two ticks are what is compared ---
  const chosen = () => all("input[name='pick']:checked");
  document.addEventListener("htmx:beforeRequest", (event) => {
    const list = event.detail.elt;
    if (list.id === "trace-list" && (document.hidden || chosen().length || list.contains(document.activeElement))) event.preventDefault();
  });
  const compare = $("button[data-pick]");
  function count() {
    const n = chosen().length;
    compare.disabled = n !== 2;
    compare.title = n === 2 ? "" : "Tick two rows";
  }
  if (compare) {
    count();
    document.addEventListener("change", count);
    document.addEventListener("htmx:afterSwap", count);
    addEventListener("pageshow", count);
  }
})();
