/* The site's own script: what scrolls sideways shows it, and code can be copied. */

const SCROLLS = ".bd-article :is(pre, .cell_output, .text_html, .pst-scrollable-table-container)";

/* A box with more to the right fades out there, until it's scrolled to its end; the keyboard scrolls it, too. */
function mark(box) {
  const more = box.scrollWidth - box.clientWidth;
  box.classList.toggle("more-right", more > 1 && box.scrollLeft < more - 1);
  if (more > 1) box.tabIndex = 0;
  else if (box.tabIndex === 0) box.removeAttribute("tabindex");
}

function markAll() {
  for (const box of document.querySelectorAll(SCROLLS)) mark(box);
}

function addCopyButton(code) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "copy-code";
  button.textContent = "Copy";
  button.setAttribute("aria-label", "Copy this code");
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(code.querySelector("pre").textContent.trimEnd());
      button.textContent = "Copied";
    } catch {
      getSelection().selectAllChildren(code.querySelector("pre"));
      button.textContent = "Selected";
    }
    setTimeout(() => (button.textContent = "Copy"), 2000);
  });
  code.append(button);
}

addEventListener("load", () => {
  for (const box of document.querySelectorAll(SCROLLS)) box.addEventListener("scroll", () => mark(box), { passive: true });
  for (const code of document.querySelectorAll(".bd-article div.highlight"))
    if (!code.closest(".cell_output")) addCopyButton(code);
  markAll();
});
addEventListener("resize", markAll);
document.addEventListener("toggle", markAll, true);
