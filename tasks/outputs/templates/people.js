"use strict";
// Commands follow the name that is typed, and go to the clipboard.
(() => {
  const told = document.getElementById("told");

  /** As a shell reads it: one word, whatever is in it. */
  function quoted(text) {
    return `'${text.replaceAll("'", "'\\''")}'`;
  }

  document.addEventListener("input", ({ target }) => {
    if (!target.matches("input.name")) return;
    const command = target.closest("details").querySelector(".command code");
    command.textContent = target.dataset.command + (target.value.trim() ? quoted(target.value.trim()) : "NAME");
  });

  document.addEventListener("click", async ({ target }) => {
    if (!target.matches("button.copy")) return;
    const command = target.previousElementSibling;
    try {
      await navigator.clipboard.writeText(command.textContent);
      told.textContent = "Copied.";
    } catch {
      getSelection().selectAllChildren(command); // pages from disk may not write there in every browser
      told.textContent = "Selected: copy it with your keyboard.";
    }
    setTimeout(() => (told.textContent = ""), 3000);
  });
})();
