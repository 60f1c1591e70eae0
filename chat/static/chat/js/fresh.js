// Swapping a part of the page for a fresh one: what is unfolded, typed and focused in it stays so.

/** Put `fresh` in the place of `old`; if what had the focus is gone, `home` gets it. */
export function swap(old, fresh, home = null) {
  if (!old || !fresh) return;
  const held = hold(old);
  old.replaceWith(fresh);
  restore(fresh, held, home);
}

function hold(element) {
  const focused = element.contains(document.activeElement) && document.activeElement;
  return {
    folds: new Map([...element.querySelectorAll("details")].map((fold) => [label(fold), fold.open])),
    typed: [...element.querySelectorAll("input, textarea, select")].filter(changed).map((field) => [name(element, field), field]),
    focus: focused ? name(element, focused) : null,
    from: focused ? focused.selectionStart : null,
  };
}

function restore(element, { folds, typed, focus, from }, home) {
  element.querySelectorAll("details").forEach((fold) => (fold.open = folds.get(label(fold)) ?? fold.open));
  for (const [where, field] of typed) {
    const same = find(element, where);
    if (same?.name !== field.name || same.type !== field.type) continue;
    same.value = field.value;
    if ("checked" in field) same.checked = field.checked;
  }
  if (focus === null) return;
  const same = find(element, focus) ?? home;
  same?.focus({ preventScroll: true });
  if (Number.isInteger(from) && same?.value) same.setSelectionRange(from, from);
}

/** By its id, or by its number among all. */
function name(element, inner) {
  return inner.id || [...element.querySelectorAll("*")].indexOf(inner);
}

function find(element, where) {
  return typeof where === "string" ? document.getElementById(where) : element.querySelectorAll("*")[where];
}

function label(fold) {
  const summary = fold.querySelector("summary");
  return summary?.id || summary?.textContent;
}

function changed(field) {
  if (field.tagName === "SELECT") return Boolean(field.value);
  return field.type === "checkbox" ? field.checked !== field.defaultChecked : field.value !== field.defaultValue;
}
