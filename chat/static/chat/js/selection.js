// Keeping what a reader has marked when its nodes are replaced: counted in characters that are not white space,
// since the preview and the settled turn differ in those between their tags.

/** What is marked inside `element`, as {from, to}; null when nothing is. */
export function selected(element) {
  const selection = getSelection();
  if (!selection.rangeCount || selection.isCollapsed) return null;
  const range = selection.getRangeAt(0);
  if (!element.contains(range.startContainer) || !element.contains(range.endContainer)) return null;
  return {
    from: visible(element, range.startContainer, range.startOffset),
    to: visible(element, range.endContainer, range.endOffset),
  };
}

/** Mark the same characters in `element`, as far as it has them. */
export function select(element, { from, to }) {
  const start = find(element, from);
  const end = find(element, to);
  if (start && end) getSelection().setBaseAndExtent(start.node, start.offset, end.node, end.offset);
}

function visible(element, node, offset) {
  const range = document.createRange();
  range.setStart(element, 0);
  range.setEnd(node, offset);
  return range.toString().replace(/\s/g, "").length;
}

function find(element, count) {
  const walker = document.createTreeWalker(element, NodeFilter.SHOW_TEXT);
  let left = count;
  let last = null;
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    for (let offset = 0; offset < node.length; offset++) {
      if (/\s/.test(node.data[offset])) continue;
      if (left === 0) return { node, offset };
      left -= 1;
      last = { node, offset: offset + 1 };
    }
  }
  return last;
}
