// Where the keyboard, and a reader by ear, go on.

/** Gives the focus to this if nothing has it: what was pressed is gone. */
export function takeLostFocus(element: HTMLElement | undefined) {
  if (document.activeElement === null || document.activeElement === document.body) element?.focus({ preventScroll: true })
}

/** Where the control that has the focus goes away, the one that comes in its place gets it; or, if there is none, what is around it. */
export function keepsFocus(around: HTMLElement): () => void {
  around.tabIndex = -1
  let focused: HTMLElement | null = null
  let row: HTMLElement | null = null
  let place = 0

  function note({ target }: FocusEvent) {
    focused = target as HTMLElement
    row = focused.parentElement
    place = row ? [...row.children].indexOf(focused) : 0
  }

  /** Who has gone on elsewhere is not called back. */
  function leave({ target }: Event) {
    if (!around.contains(target as Node)) focused = null
  }

  const observer = new MutationObserver(() => {
    if (!focused || focused.isConnected) return
    focused = null
    const buttons = row?.isConnected ? [...row.children].slice(0, place + 1) : []
    takeLostFocus((buttons.findLast((it) => it.matches('button:enabled')) ?? around.querySelector('button:enabled') ?? around) as HTMLElement)
  })
  around.addEventListener('focusin', note)
  document.addEventListener('focusin', leave)
  document.addEventListener('pointerdown', leave)
  observer.observe(around, { childList: true, subtree: true })
  return () => {
    around.removeEventListener('focusin', note)
    document.removeEventListener('focusin', leave)
    document.removeEventListener('pointerdown', leave)
    observer.disconnect()
  }
}

/** To the first server in the picture. */
export function goToPicture() {
  document.querySelector<SVGElement>('.cluster [data-node]')?.focus()
}

/** From the picture to the place for commands or, where there is none, to the title of the card. */
export function goToCard() {
  document.querySelector<HTMLElement>('.lesson [aria-label=Command]')?.focus()
  if (!document.activeElement?.closest('.lesson')) document.querySelector<HTMLElement>('.lesson h2')?.focus()
}
