import { innerHeight, innerWidth } from 'svelte/reactivity/window'
import { AddressSwitch } from './address-switch.svelte'

/** The size of a page whose type is not enlarged, in pixels. */
const PLAIN = { width: 1130, height: 640 }

/** Only servers, logs, narration and a card of the course, in large type, for a projector. */
class Projector extends AddressSwitch {
  /** How much larger everything is. */
  get scale(): number {
    if (!this.isOn) return 1
    return Math.max(1, Math.min((innerWidth.current ?? 0) / PLAIN.width, (innerHeight.current ?? 0) / PLAIN.height))
  }
}

export const projector = new Projector('projector')
