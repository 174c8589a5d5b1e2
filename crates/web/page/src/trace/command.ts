// Commands of the key-value store in log entries, as `crates/kv/src/command.rs` writes them.

import type { Payload } from './record'

const VERSION = 1
const SHOWN = 24

/** An entry's payload in a few words, such as `x = 1`. */
export function payloadWords(payload: Payload): string {
  if (payload === 'no_op') return 'no-op'
  if ('membership' in payload) return 'members'
  try {
    return commandWords(new Reader(payload.command))
  } catch {
    return `${payload.command.length} bytes`
  }
}

function commandWords(reader: Reader): string {
  if (reader.byte() !== VERSION) throw new RangeError('another version')
  if (reader.number() === 0) return 'open session'
  const key = reader.text()
  switch (reader.number()) {
    case 0:
      return `${key} = ${reader.text()}`
    case 1:
      return `delete ${key}`
    default: {
      const expected = reader.text()
      return `${key} = ${reader.text()} if ${expected}`
    }
  }
}

/** Reads postcard's encoding: numbers in groups of seven bits, and bytes after their length. */
class Reader {
  private place = 0

  constructor(private bytes: number[]) {}

  byte(): number {
    const byte = this.bytes[this.place++]
    if (byte === undefined) throw new RangeError('the command ends too early')
    return byte
  }

  number(): number {
    let value = 0
    for (let weight = 1; ; weight *= 128) {
      const byte = this.byte()
      value += (byte & 127) * weight
      if (byte < 128) return value
    }
  }

  text(): string {
    const length = this.number()
    const bytes = this.bytes.slice(this.place, this.place + length)
    this.place += length
    const text = new TextDecoder().decode(new Uint8Array(bytes))
    return text.length > SHOWN ? `${text.slice(0, SHOWN)}…` : text
  }
}
