// Finds texts of a page that are hard to read: with a contrast below 4.5 to what is behind them (WCAG 2, level AA).
export async function lowContrasts(page) {
  return page.evaluate(() => {
    const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
    const rgba = (color) => {
      canvas.clearRect(0, 0, 1, 1);
      canvas.fillStyle = color;
      canvas.fillRect(0, 0, 1, 1);
      const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data;
      return [r, g, b, a / 255];
    };
    const over = (top, below) => [0, 1, 2].map((i) => top[i] * top[3] + below[i] * (1 - top[3])).concat(1);
    const luminance = (color) => {
      const [r, g, b] = color.map((value) => (value / 255 <= 0.04045 ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4));
      return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const contrast = (a, b) => {
      const [light, dark] = [luminance(a), luminance(b)].sort((x, y) => y - x);
      return (light + 0.05) / (dark + 0.05);
    };

    // What may be behind an element: one colour, or the ends of a gradient.
    const behind = (element) => {
      const layers = [];
      for (let each = element; each; each = each.parentElement) {
        const style = getComputedStyle(each);
        if (style.opacity !== "1")
          throw new Error(`${each.outerHTML.slice(0, 80)} is half transparent`);

        const gradient = style.backgroundImage.match(/(rgba?|color)\([^()]*\)/g) ?? [];
        layers.push([style.backgroundColor, ...gradient].map(rgba));
        const rect = each.tagName === "g" && each.classList.contains("frame") && each.querySelector(":scope > rect");
        if (rect)
          layers.push([over([...rgba(getComputedStyle(rect).fill).slice(0, 3), Number(getComputedStyle(rect).fillOpacity)], rgba(getComputedStyle(document.body).backgroundColor))]);
      }

      return layers.reverse().reduce((known, layer) => known.flatMap((below) => layer.map((top) => over(top, below))), [rgba("white")]);
    };

    const found = [];
    const check = (what, color, backgrounds) => {
      const least = Math.min(...backgrounds.map((background) => contrast(over(rgba(color), background), background)));
      if (least < 4.5)
        found.push(`${what}: ${least.toFixed(2)}`);
    };
    const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    const seen = new Set();
    let count = 0;
    for (let text = texts.nextNode(); text; text = texts.nextNode()) {
      const element = text.parentElement;
      if (!text.data.trim() || seen.has(element) || !element.checkVisibility() || ["SCRIPT", "NOSCRIPT", "OPTION", "title"].includes(element.tagName))
        continue;

      seen.add(element);
      count++;
      check(`${element.className || element.id || element.tagName} “${text.data.trim().slice(0, 30)}”`, getComputedStyle(element).color, behind(element));
    }

    for (const element of document.querySelectorAll("select, input[type=search], button")) {
      if (element.checkVisibility())
        check(`#${element.id}`, getComputedStyle(element).color, behind(element));
    }

    const search = document.getElementById("search");
    check("placeholder", getComputedStyle(search, "::placeholder").color, behind(search));

    // Texts on the canvas.
    const root = getComputedStyle(document.documentElement);
    for (const name of ["--ink", "--more-text"])
      check(name, root.getPropertyValue(name), [rgba(root.getPropertyValue("--paper"))]);

    return count > 15 ? found : [`only ${count} texts were found`];
  });
}
