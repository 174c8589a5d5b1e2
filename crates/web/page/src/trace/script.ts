// A scenario's script: what there is to read, and where it stands among the records.

import type { Scene } from '../types/Scene'

/** A place at which a player waits: a paragraph to read before the entry with the number `position` happens. */
export type Stop = {
  readonly position: number
  /** The passage so far: this paragraph comes last. */
  readonly paragraphs: readonly string[]
}

/** What no server reports, but the story shows: a command, or the table that a command was for. */
export type Aside = {
  /** The number of the entry that comes next. */
  readonly position: number
  /** How many stops come before it. */
  readonly stops: number
  readonly text: string
  readonly isCommand: boolean
  readonly isSilent: boolean
}

export class Script {
  readonly stops: Stop[] = []
  readonly asides: Aside[] = []
  /** Where the entries that silent commands caused begin and end. */
  private silent: { from: number; to: number }[] = []
  /** From here on the script wants the routine told too. */
  private verboseFrom = Infinity

  /** The script of a replay with this number of records. */
  constructor(scenes: readonly Scene[], records: number) {
    scenes.forEach(({ before, prose, command, is_silent: isSilent, said }, order) => {
      const position = before - 1
      const end = (scenes[order + 1]?.before ?? records + 1) - 1
      prose.forEach((_, place) => this.stops.push({ position, paragraphs: prose.slice(0, place + 1) }))
      const stops = this.stops.length
      if (command !== null) this.asides.push({ position, stops, text: command, isCommand: true, isSilent })
      if (said) this.asides.push({ position: end, stops, text: said, isCommand: false, isSilent })
      if (isSilent) this.silent.push({ from: position, to: end })
      if (command === 'verbose') this.verboseFrom = Math.min(this.verboseFrom, position)
    })
  }

  get hasCommands(): boolean {
    return this.asides.some(({ isCommand }) => isCommand)
  }

  /** Does the script want the routine told somewhere? */
  get hasRoutine(): boolean {
    return this.verboseFrom !== Infinity
  }

  /** Is the entry with this number told, even if it is routine? */
  tellsRoutine(number: number): boolean {
    return number >= this.verboseFrom && !this.isSilent(number)
  }

  /** Did a silent command cause the entry with this number? */
  isSilent(number: number): boolean {
    return this.silent.some(({ from, to }) => from <= number && number < to)
  }
}
