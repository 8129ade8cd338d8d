/* Our styles after Gradio's: it loads its own later than ours, and among equals the last one counts. Adopted style sheets come after
   all others; the link in the head serves until then. */

export function adoptStyles() {
  const link = document.querySelector("link[data-own]");
  const adopt = () => {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync([...link.sheet.cssRules].map((rule) => rule.cssText).join("\n"));
    document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet];
  };
  if (link.sheet) adopt();
  else link.addEventListener("load", adopt);
}
