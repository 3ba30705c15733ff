// What is wrong with a page on a phone: wider than the screen, too small to touch (WCAG 2.5.5), nameless.
(touch_px) => {
  const shown = (element) => element.getBoundingClientRect().width > 0 && !element.closest(".skip");
  const begin = (element) => element.outerHTML.slice(0, 90);
  const all = (selector) => [...document.querySelectorAll(selector)];
  const touched = "button, input:not([type=hidden]), select, textarea, summary, nav a, .acts a, .button, .channels a";
  const ids = all("[id]").map((element) => element.id);
  return {
    wide: all("body *").filter((element) => {
      const box = element.getBoundingClientRect();
      return shown(element) && (box.right > innerWidth + 1 || box.left < -1);
    }).map(begin),
    small: all(touched).filter((element) => {
      const target = element.closest("label.tick") || element;
      return shown(element) && target.getBoundingClientRect().height < touch_px;
    }).map(begin),
    nameless: all("input:not([type=hidden]), select, textarea").filter((field) => !field.labels.length).map(begin),
    scrolls: document.documentElement.scrollWidth > innerWidth,
    twice: ids.filter((id, place) => ids.indexOf(id) !== place),
    headings: all("h1").length,
  };
}
