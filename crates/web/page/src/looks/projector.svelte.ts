import { innerHeight, innerWidth } from 'svelte/reactivity/window'

/** The size of a page whose type is not enlarged, in pixels. */
const PLAIN = { width: 1130, height: 640 }

/** Only servers, logs and narration, in large type, for a projector. The address says so too, so that it can be kept. */
class Projector {
  isOn = $state(new URLSearchParams(location.search).has('projector'))

  /** How much larger everything is. */
  get scale(): number {
    if (!this.isOn) return 1
    return Math.max(1, Math.min((innerWidth.current ?? 0) / PLAIN.width, (innerHeight.current ?? 0) / PLAIN.height))
  }

  toggle(): void {
    this.isOn = !this.isOn
    const address = new URL(location.href)
    if (this.isOn) address.searchParams.set('projector', '')
    else address.searchParams.delete('projector')
    history.replaceState(null, '', address)
  }
}

export const projector = new Projector()
