// The ways that a simulated run has gone: it goes another way each time that it is continued from its past. A counterexample
// that was found is one of them too.

import { seconds } from '../trace/words'

export type Branch = {
  readonly id: number
  /** What was done first in it, and when. */
  readonly name: string
  /** The whole run, from its beginning, when it was last on show. */
  readonly script: string
}

export class Branches {
  /** All of them, in the order in which they began. */
  all = $state.raw<readonly Branch[]>([{ id: 0, name: 'the first run', script: '' }])
  /** The one on show. */
  shown = $state(0)
  /** Has anything been done in the one on show, since it began? */
  private isNamed = true

  /** Keeps the script of the run on show, which another one replaces now. */
  keep(script: string): void {
    this.all = this.all.map((branch) => (branch.id === this.shown ? { ...branch, script } : branch))
  }

  /** Another run begins, at this time of the run on show, in microseconds. */
  begin(t: number): void {
    this.add(`from ${seconds(t)} on`)
    this.isNamed = false
  }

  /** A run of another cluster begins. */
  add(name: string): void {
    this.shown = this.all.length
    this.all = [...this.all, { id: this.shown, name, script: '' }]
    this.isNamed = true
  }

  /** Something was done in the run on show. */
  note(command: string, t: number): void {
    if (this.isNamed) return
    this.isNamed = true
    this.all = this.all.map((branch) => (branch.id === this.shown ? { ...branch, name: `${command} at ${seconds(t)}` } : branch))
  }

  /** Shows this one; returns its script. */
  show(id: number): string {
    this.shown = id
    this.isNamed = true
    return this.all[id]!.script
  }
}
