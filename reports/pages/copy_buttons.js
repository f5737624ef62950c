// Buttons with data-copy put that text into the clipboard.

"use strict";

function wireCopyButtons() {
  for (const button of document.querySelectorAll("button[data-copy]")) {
    button.addEventListener("click", () => {
      const said = button.textContent;
      const say = (text) => {
        button.textContent = text;
        setTimeout(() => { button.textContent = said; }, 1500);
      };
      copyText(button.dataset.copy).then(() => say("Copied"), () => say("Not allowed"));
    });
  }
}

// A page that was opened from a file has no clipboard of its own in every browser.
async function copyText(text) {
  if (navigator.clipboard) {
    try {
      return await navigator.clipboard.writeText(text);
    } catch {
      // The old way is tried below.
    }
  }
  const area = document.createElement("textarea");
  area.value = text;
  document.body.append(area);
  area.select();
  const copied = document.execCommand("copy");
  area.remove();
  if (!copied) {
    throw new Error("the clipboard is not open to this page");
  }
}
