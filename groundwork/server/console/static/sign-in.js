// The pages of signing in: a token in the fragment of the address, which no log has seen, goes into the form.
"use strict";
(() => {
  const form = document.querySelector("form[data-token]");
  const token = new URLSearchParams(location.hash.slice(1)).get("token");
  if (form && token) {
    history.replaceState(null, "", location.pathname + location.search);
    form.elements.token.value = token;
    if (form.dataset.token === "send") form.requestSubmit();
  }
})();
