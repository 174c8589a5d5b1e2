// Where the keyboard, and a reader by ear, go on.

/** Gives the focus to this if nothing has it: what was pressed is gone. */
export function takeLostFocus(element: HTMLElement | undefined) {
  if (document.activeElement === null || document.activeElement === document.body) element?.focus({ preventScroll: true })
}
