// The page as a lab in one file, as `raft export --lab` writes it: with the engine inside.

import { readFile, writeFile } from 'node:fs/promises'
import { existsSync } from 'node:fs'

const PAGE = new URL('../../dist/index.html', import.meta.url)

/** The engine, gzipped. Without it there is no lab. */
export const ENGINE = process.env.ENGINE ?? new URL('../../dist/engine.wasm.gz', import.meta.url).pathname

export const hasEngine = existsSync(ENGINE)

/** Writes the page to this file; it begins with the link. */
export async function writeLab(file: string, link = ''): Promise<void> {
  const [page, engine] = await Promise.all([readFile(PAGE, 'utf8'), readFile(ENGINE, 'base64')])
  const place = '<script type="application/json" id="raft-embedded"></script>'
  if (!page.includes(place)) throw new Error('the page has no place for what it is made for')
  const embedded = place.replace('></', () => `>${JSON.stringify({ lab: link })}</`)
  const script = `<script type="application/gzip;base64" id="raft-engine">${engine}</script>`
  await writeFile(file, page.replace(place, () => embedded + script))
}
