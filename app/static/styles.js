/* Our styles after Gradio's: it loads its own later than ours, and among equals the last one counts. Adopted style sheets come after
   all others; the links in the head serve until then. */

export function adoptStyles() {
  for (const link of document.querySelectorAll("link[data-own]")) {
    const adopt = () => {
      const sheet = new CSSStyleSheet();
      sheet.replaceSync([...link.sheet.cssRules].map((rule) => rule.cssText).join("\n"));
      sheets.set(link, sheet);
      // in the order of the links, whichever was there first
      document.adoptedStyleSheets = [...document.adoptedStyleSheets.filter((one) => ![...sheets.values()].includes(one)), ...[...document.querySelectorAll("link[data-own]")].map((one) => sheets.get(one)).filter(Boolean)];
    };
    if (link.sheet) adopt();
    else link.addEventListener("load", adopt);
  }
}

const sheets = new Map();
