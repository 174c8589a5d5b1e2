/**
 * A cookie, and no storage: each run of the program serves the page at another port, and browsers keep the storage of
 * each port apart, but not the cookies.
 */
const COOKIE = 'first-steps=dismissed'
const A_YEAR = 365 * 24 * 3600

/** What to try first, on show until it is dismissed: in this run of the program or in an earlier one. */
class FirstSteps {
  areShown = $state(!wasDismissed())

  toggle(): void {
    this.areShown = !this.areShown
    keep(`${COOKIE}; max-age=${this.areShown ? 0 : A_YEAR}; path=/; samesite=strict`)
  }
}

function wasDismissed(): boolean {
  try {
    return document.cookie.split('; ').includes(COOKIE)
  } catch {
    return false
  }
}

/** A page in a frame of another page may keep nothing: then it is for this time only. */
function keep(cookie: string): void {
  try {
    document.cookie = cookie
  } catch {
    return
  }
}

export const firstSteps = new FirstSteps()
