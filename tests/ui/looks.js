/* What a person could not read or reach on this page: texts with too little contrast, controls without a name. */
() => {
  const wrong = [];
  const parse = (colour) => {
    const found = colour.match(/[\d.]+/g)?.map(Number) ?? [0, 0, 0, 0];
    const scale = colour.startsWith("color(") ? 255 : 1;
    return { rgb: found.slice(0, 3).map((value) => value * scale), alpha: found[3] ?? 1 };
  };
  const luminance = (rgb) => {
    const [r, g, b] = rgb.map((value) => (value / 255 <= 0.03928 ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (element) => {
    const layers = [];
    for (let at = element; at; at = at.parentElement) {
      const { rgb, alpha } = parse(getComputedStyle(at).backgroundColor);
      if (alpha > 0) layers.push({ rgb, alpha });
      if (alpha === 1) break;
    }
    return layers.reverse().reduce((below, { rgb, alpha }) => below.map((value, at) => value * (1 - alpha) + rgb[at] * alpha), [255, 255, 255]);
  };
  const isShown = (element) => {
    const box = element.getBoundingClientRect();
    return element.checkVisibility({ visibilityProperty: true, opacityProperty: true }) && box.width > 1 && box.height > 1 && !element.closest(".df-sr, [aria-hidden=true], .cm-editor");
  };
  for (const element of document.querySelectorAll("body *")) {
    if (!isShown(element)) continue;
    const text = [...element.childNodes].filter((node) => node.nodeType === 3 && node.data.trim()).map((node) => node.data.trim()).join(" ");
    if (text) {
      const front = luminance(parse(getComputedStyle(element).color).rgb);
      const back = luminance(behind(element));
      const ratio = (Math.max(front, back) + 0.05) / (Math.min(front, back) + 0.05);
      if (ratio < 4.5) wrong.push(`contrast ${ratio.toFixed(2)}: ${text.slice(0, 40)}`);
      if (parseFloat(getComputedStyle(element).fontSize) < 10.9) wrong.push(`too small: ${text.slice(0, 40)}`);
    }
    if (element.matches("button, a[href], input, textarea, select, [role=button]")) {
      const label = element.labels?.length ? [...element.labels].map((one) => one.textContent).join("") : "";
      const name = element.getAttribute("aria-label") || document.getElementById(element.getAttribute("aria-labelledby"))?.textContent || label || element.textContent || element.title || element.placeholder;
      if (!name?.trim()) wrong.push(`no name: ${element.outerHTML.slice(0, 120)}`);
    }
  }
  if (document.documentElement.scrollWidth > innerWidth + 1) wrong.push("the page scrolls sideways");
  return [...new Set(wrong)];
};
