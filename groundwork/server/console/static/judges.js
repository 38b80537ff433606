// The keys of a labelling page: a number presses its label, `s` skips, `u` takes the last one back.
"use strict";
(() => {
  addEventListener("keydown", (event) => {
    const typing = event.target.matches?.("input, textarea, select, [contenteditable]");
    if (typing || event.ctrlKey || event.metaKey || event.altKey) return;
    const pressed = document.querySelector(`[data-press="${CSS.escape(event.key.toLowerCase())}"]`);
    if (!pressed) return;
    event.preventDefault();
    event.stopPropagation();
    pressed.click();
  }, true);
})();
