// Everything that the page can show can be read and reached by all: axe finds no serious fault in it.

import { execFileSync } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { launch, newLeader, RAFT, serious, start, type Cluster } from './cluster'

const SCREENS = { desk: { width: 1280, height: 800 }, hall: { width: 1920, height: 1080 }, phone: { width: 390, height: 844 } }
const THEMES = ['light', 'dark'] as const
/** Leaders that a busy machine does not depose. */
const PATIENT = ['--heartbeat', '50ms', '--election-timeout', '1s..2s']

describe.skipIf(!RAFT)('for everyone', () => {
  let browser: Browser
  let cluster: Cluster
  let folder: string

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'raft-page-'))
    // With a data folder, there is no slow motion at first.
    const data = join(folder, 'data')
    ;[browser, cluster] = await Promise.all([launch(), start('up', '--plain', '--nodes', '3', '--data', data, ...PATIENT)])
  })

  afterAll(async () => {
    await browser?.close()
    await cluster?.stop()
    await rm(folder, { recursive: true, force: true })
  })

  /** Calls this for each size of the screen in each theme, with the page at this address. */
  async function everywhere(address: string, look: (page: Page, where: string) => Promise<void>) {
    for (const [screen, viewport] of Object.entries(SCREENS)) {
      for (const colorScheme of THEMES) {
        const page = await browser.newPage({ viewport, colorScheme, reducedMotion: 'reduce', hasTouch: screen === 'phone' })
        page.on('pageerror', (error) => expect.fail(String(error)))
        await page.goto(address)
        await look(page, `${screen}, ${colorScheme}`)
        await page.close()
      }
    }
  }

  const scenario = (name: string) => `${cluster.address}#scenario=${name}`

  test('a cluster with a dead server, and a client that does not know', async () => {
    const page = await browser.newPage({ viewport: SCREENS.desk })
    await page.goto(cluster.address)
    const button = (name: string) => page.getByRole('button', { name, exact: true })
    const requests = page.getByRole('list', { name: 'Clients' })
    const first = await newLeader(page)
    await button('Put').click()
    await requests.getByText('✓ done').waitFor()
    await button('Kill the leader').click()
    const leader = await newLeader(page, first)
    await page.keyboard.press(String([1, 2, 3].find((id) => id !== first && id !== leader)))
    await button('Kill').click()
    await page.locator('.server-card').getByText('dead').waitFor()
    await page.keyboard.press('Escape')
    await button('Put').click()
    await requests.getByText('… waits').waitFor()
    await page.keyboard.press('k')
    await requests.getByText('? unknown').waitFor({ timeout: 30_000 })
    await page.close()

    await everywhere(cluster.address, async (page, where) => {
      await page.locator('.strip.gone').first().waitFor()
      await page.getByText('? unknown').waitFor()
      expect(await serious(page), where).toEqual([])
      await page.keyboard.press('1')
      await page.getByRole('button', { name: 'lead?' }).click()
      await page.getByText(/^By .* has not become leader/).waitFor()
      expect(await serious(page), `${where}, a card`).toEqual([])
      await page.keyboard.press('Escape')
      await page.keyboard.press('p')
      expect(await serious(page), `${where}, a projector`).toEqual([])
    })
    const restarted = await browser.newPage()
    await restarted.goto(cluster.address)
    await restarted.getByRole('button', { name: 'Restart dead servers' }).click()
    await newLeader(restarted)
    await restarted.close()
  })

  test('each event of the first election, in term 0 too, marked and with its causes', async () => {
    await everywhere(scenario('elections/first-election'), async (page, where) => {
      await page.getByRole('region', { name: 'Narration' }).waitFor()
      expect(await serious(page), where).toEqual([])
      await page.getByLabel('every event').check()
      for (const words of ['Start as a follower', 'A majority voted for me']) {
        await page.keyboard.press('End')
        await page.locator('.story button.line', { hasText: words }).first().click()
        await page.getByRole('region', { name: 'Why?' }).waitFor()
        expect(await serious(page), `${where}: ${words}`).toEqual([])
      }
    })
  })

  test('a scenario with a table, one with a rule switched off, and their list', async () => {
    await everywhere(scenario('elections/split-vote-and-its-end'), async (page, where) => {
      await page.getByRole('region', { name: 'Narration' }).waitFor()
      await page.keyboard.press('End')
      await page.locator('.said').last().waitFor()
      expect(await serious(page), where).toEqual([])
    })
    await everywhere(scenario('without/one-vote-per-term'), async (page, where) => {
      await page.getByText('one-vote-per-term is OFF here').click()
      await page.keyboard.press('End')
      await page.locator('.violated').first().waitFor()
      expect(await serious(page), where).toEqual([])
      await page.getByRole('button', { name: 'Scenarios…' }).locator('visible=true').click()
      await page.getByRole('dialog').waitFor()
      expect(await serious(page), `${where}, the list`).toEqual([])
    })
  })

  test('an exported file, and more logs than there is room for', async () => {
    const file = join(folder, 'run.html')
    execFileSync(RAFT!, ['export', 'clients/a-write-that-is-rolled-back', '-o', file], { stdio: 'ignore' })
    await everywhere(`file://${file}`, async (page, where) => {
      await page.locator('.strip').first().waitFor()
      await page.keyboard.press('End')
      await page.getByText('✗ not done').first().waitFor()
      expect(await serious(page), where).toEqual([])
    })
    const many = await start('up', '--plain', '--nodes', '15', ...PATIENT)
    try {
      await everywhere(many.address, async (page, where) => {
        await page.locator('.strip').nth(14).waitFor()
        expect(await serious(page), where).toEqual([])
      })
    } finally {
      await many.stop()
    }
  })

  test('everything can be reached and done with the keyboard, and where the focus is can be seen', async () => {
    const page = await browser.newPage({ viewport: SCREENS.desk })
    await page.goto(cluster.address)
    await newLeader(page)
    const reached: string[] = []
    for (let stop = 0; stop < 80; stop += 1) {
      await page.keyboard.press('Tab')
      const { name, isMarked } = await page.evaluate(() => {
        const focused = document.activeElement!
        const hasOutline = (element: Element) => getComputedStyle(element).outlineStyle !== 'none'
        const halo = focused.querySelector('.halo')
        const isMarked = focused === document.body || (halo
          ? !getComputedStyle(halo).stroke.endsWith(', 0)')
          : hasOutline(focused.matches('.scrubber') ? document.querySelector('.eras')! : focused))
        return { name: focused.getAttribute('aria-label') ?? focused.textContent!.trim(), isMarked }
      })
      expect(isMarked, name).toBe(true)
      reached.push(name)
    }
    for (const name of ['Kill the leader', 'Isolate leader', 'Put', 'n1 term', 'Legend', 'Moment', 'Pause', 'Live', 'Scenarios…', 'Help']) {
      expect(reached.some((one) => one.includes(name)), `${name} is not among ${reached}`).toBe(true)
    }
    await page.close()
  })
})
