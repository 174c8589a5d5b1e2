// A real cluster, and Debian's Chromium to look at it.

import { spawn, type ChildProcess } from 'node:child_process'
import { chromium, type Browser, type Page } from 'playwright-core'

const AXE = new URL('../../node_modules/axe-core/axe.min.js', import.meta.url).pathname

/** The `raft` program; without it these tests have nothing to look at. */
export const RAFT = process.env.RAFT

/** `killLeader` does it from outside: nobody on the page asks for it. */
export type Cluster = { address: string; stop: () => Promise<void>; killLeader: () => void }

/** Starts `raft` with these arguments and waits for the address of its page. */
export async function start(...args: string[]): Promise<Cluster> {
  const child = spawn(RAFT!, args, { stdio: ['pipe', 'ignore', 'pipe'] })
  let told = ''
  const address = await new Promise<string>((resolve, reject) => {
    child.stderr!.on('data', (chunk: Buffer) => {
      told += chunk.toString()
      const address = /http:\/\/\S+token=[0-9a-f]+/.exec(told)
      if (address) resolve(address[0])
    })
    child.on('exit', () => reject(new Error(`raft has ended: ${told}`)))
  })
  return { address, stop: () => stop(child), killLeader: () => child.kill('SIGQUIT') }
}

function stop(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    child.removeAllListeners('exit')
    child.on('exit', () => resolve())
    child.kill('SIGINT')
  })
}

export function launch(...more: string[]): Promise<Browser> {
  const quiet = ['--disable-quic', '--disable-background-networking', '--disable-component-update', '--disable-sync']
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: ['--headless', '--no-sandbox', '--disable-gpu', '--no-first-run', ...quiet, ...more],
  })
}

/** What the page says of the cluster in one sentence. */
export const sentence = (page: Page) => page.getByTestId('sentence')

/** Waits for a leader other than this server, and returns its number. */
export async function newLeader(page: Page, than = 0): Promise<number> {
  const others = /^n(\d+) leads term \d+$/
  const handle = await page.waitForFunction(
    ([pattern, old]) => {
      const words = document.querySelector('[data-testid=sentence]')?.textContent ?? ''
      const leader = Number(new RegExp(pattern as string).exec(words)?.[1] ?? 0)
      return leader !== 0 && leader !== old ? leader : null
    },
    [others.source, than] as const,
    { timeout: 30_000 },
  )
  return (await handle.jsonValue()) as number
}

/** The serious faults of accessibility that axe finds. */
export async function serious(page: Page): Promise<string[]> {
  await page.addScriptTag({ path: AXE })
  return page.evaluate(async () => {
    const { axe } = window as unknown as { axe: { run: () => Promise<{ violations: Finding[] }> } }
    type Finding = { id: string; impact: string; nodes: { html: string; failureSummary: string }[] }
    const { violations } = await axe.run()
    return violations
      .filter(({ impact }) => impact === 'serious' || impact === 'critical')
      .map(({ id, nodes }) => `${id}: ${nodes.map((node) => `${node.html} ${node.failureSummary}`).join('\n')}`)
  })
}
