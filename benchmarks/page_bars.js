// What a reader meets on a page: evaluated in the page by page_bars.py, which calls the last expression.
(() => {
  const small = box => box.width <= 1 || box.height <= 1;
  const hiddenFromEyes = element => {  // screen-reader-only text, and skip links off the screen
    for (let e = element; e && e !== document.body; e = e.parentElement) {
      const style = getComputedStyle(e), box = e.getBoundingClientRect();
      if (style.overflow !== 'visible' && small(box) && e instanceof HTMLElement) return true;
      if (style.position === 'absolute' && (box.right <= 0 || box.bottom + scrollY <= 0)) return true;
    }
    return false;
  };
  const texts = () => {
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT), found = [];
    while (walker.nextNode()) {
      const node = walker.currentNode, parent = node.parentElement;
      if (!node.data.trim() || ['SCRIPT', 'STYLE'].includes(parent.tagName)) continue;
      if (parent.checkVisibility({visibilityProperty: true}) && !hiddenFromEyes(parent)) found.push(node);
    }
    return found;
  };
  const boxes = (node, at, n) => {
    const range = document.createRange();
    range.setStart(node, at);
    range.setEnd(node, at + n);
    return [...range.getClientRects()];
  };
  const onScreen = box => box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth;
  const numbers = all => all.flatMap(node =>
    [...node.data.matchAll(/(?<![\p{L}\p{N}_])[−-]?\d[\d.,]*/gu)]
      .filter(m => boxes(node, m.index, m[0].length).some(onScreen)).map(m => m[0]));
  const before = (all, picture) => all
    .filter(node => picture.compareDocumentPosition(node) & Node.DOCUMENT_POSITION_PRECEDING && !picture.contains(node))
    .flatMap(node => node.data.trim().split(/\s+/).filter(word => /[\p{L}\p{N}]/u.test(word)));
  const name = e => e.tagName.toLowerCase() + (e.id ? '#' + e.id : '') +
    (typeof e.className === 'string' && e.className ? '.' + e.className.trim().replace(/\s+/g, '.') : '');
  const clipped = () => {
    const found = [];
    for (const e of document.querySelectorAll('body *')) {
      if (!(e instanceof HTMLElement) || !e.checkVisibility({visibilityProperty: true})) continue;
      const style = getComputedStyle(e);
      if (['INPUT', 'SELECT', 'TEXTAREA'].includes(e.tagName) || hiddenFromEyes(e)) continue;
      if (style.overflowX !== 'visible' && e.scrollWidth > e.clientWidth + 1) found.push(name(e) + ' sideways');
      if (style.overflowY === 'hidden' && e.scrollHeight > e.clientHeight + 1) found.push(name(e) + ' cut');
    }
    for (const text of document.querySelectorAll('svg text')) {
      const svg = text.ownerSVGElement, box = text.getBoundingClientRect(), frame = svg.getBoundingClientRect();
      if (!text.checkVisibility({visibilityProperty: true}) || small(box)) continue;
      if (box.left < -1 || box.right > innerWidth + 1) found.push('text off the screen: ' + text.textContent.trim());
      else if (getComputedStyle(svg).overflow === 'hidden' && (box.left < frame.left - 1 || box.right > frame.right + 1))
        found.push('text cut by its svg: ' + text.textContent.trim());
    }
    if (document.documentElement.scrollWidth > innerWidth) found.push('the page sideways');
    return [...new Set(found)];
  };
  return open => {
    document.querySelectorAll('details').forEach(d => { d.open = open; });
    scrollTo(0, 0);
    const all = texts(), picture = document.querySelector('[data-first-picture]');
    return {
      begins: picture ? Math.round(picture.getBoundingClientRect().top + scrollY) : null,
      words: picture ? before(all, picture) : null,
      numbers: numbers(all),
      height: document.documentElement.scrollHeight,
      clipped: clipped(),
    };
  };
})()
