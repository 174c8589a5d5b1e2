// The first five minutes: what to try first, words that are explained, and why something did not happen.

import { execFileSync } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { launch, newLeader, RAFT, serious, start, type Cluster } from './cluster'

/** Leaders that a busy machine does not depose: these tests name them. */
const PATIENT = ['--heartbeat', '50ms', '--election-timeout', '1s..2s']

describe.skipIf(!RAFT)('the page of a beginner', () => {
  let browser: Browser
  let cluster: Cluster

  beforeAll(async () => {
    ;[browser, cluster] = await Promise.all([launch(), start('up', '--plain', '--nodes', '3', ...PATIENT)])
  })

  afterAll(async () => {
    await browser?.close()
    await cluster?.stop()
  })

  async function open(address = cluster.address, context?: BrowserContext): Promise<Page> {
    const page = await (context ?? (await browser.newContext({ viewport: { width: 1280, height: 800 } }))).newPage()
    page.on('pageerror', (error) => expect.fail(String(error)))
    await page.goto(address)
    return page
  }

  const firstSteps = (page: Page) => page.getByRole('region', { name: 'Try this first' })
  const done = (page: Page) => firstSteps(page).locator('li.done').count()
  const button = (page: Page, name: string) => page.getByRole('button', { name, exact: true })
  const note = (page: Page) => page.getByRole('tooltip')

  test('ticks off what was tried, when it has happened', async () => {
    const page = await open()
    const leader = await newLeader(page)
    await button(page, 'Kill the leader').click()
    await newLeader(page, leader)
    await firstSteps(page).locator('li.done', { hasText: 'Kill the leader' }).waitFor()
    await button(page, 'Restart dead servers').click()
    await page.locator(`[data-node="${leader}"]`).and(page.locator(':not(.dead)')).waitFor()
    // A server may win before the others run too: then the vote is not split, and it is tried again.
    const isSplit = async () => {
      await button(page, 'Split the vote').click()
      await newLeader(page)
      return firstSteps(page).locator('li.done', { hasText: 'Split the vote' }).count()
    }
    await expect.poll(isSplit, { timeout: 40_000, interval: 3000 }).toBe(1)
    await newLeader(page)
    expect(await firstSteps(page).locator('li', { hasText: 'Put' }).and(page.locator('.done')).count()).toBe(0)
    await button(page, 'Isolate leader').click()
    await page.locator('.link.cut').first().waitFor()
    await button(page, 'Put').click()
    await expect.poll(() => done(page), { timeout: 20_000 }).toBe(3)
    await firstSteps(page).getByText('You have tried all three').waitFor()
    await button(page, 'Heal the network').click()

    // Who comes later sees that it was done: the records say so.
    const late = await open()
    await newLeader(late)
    await expect.poll(() => done(late), { timeout: 20_000 }).toBe(3)
    await late.context().close()
    await page.context().close()
  })

  test('says what was done below the servers, and what a client was told once', async () => {
    const page = await open()
    await newLeader(page)
    await button(page, 'Partition').click()
    const said = page.locator('.note')
    await said.getByText(/^No messages get through/).waitFor()
    const top = (await said.boundingBox())!.y
    for (const words of await page.locator('[data-node] :is(.body, .vote)').all()) {
      const { y, height } = (await words.boundingBox())!
      expect(y + height).toBeLessThanOrEqual(top)
    }
    await button(page, 'Heal the network').click()
    await said.getByText(/^All links work again/).waitFor()
    await said.waitFor({ state: 'detached' })
    await button(page, 'Put').click()
    await page.locator('.outcome').getByText(/^Written/i).waitFor()
    expect(await said.count()).toBe(0)
    await page.context().close()
  })

  test('shows what to try first nowhere else, and no longer once that was dismissed, at any port', async () => {
    const context = await browser.newContext({ viewport: { width: 1280, height: 800 } })
    const page = await open(cluster.address, context)
    await firstSteps(page).waitFor()
    const panel = (await firstSteps(page).boundingBox())!
    for (const id of [1, 2, 3]) {
      const body = (await page.locator(`[data-node="${id}"] .body`).boundingBox())!
      expect(body.x + body.width).toBeLessThan(panel.x)
    }
    await page.keyboard.press('p')
    await firstSteps(page).waitFor({ state: 'detached' })
    await page.keyboard.press('p')
    await firstSteps(page).getByRole('button', { name: 'Close for good' }).click()
    await firstSteps(page).waitFor({ state: 'detached' })

    const other = await start('up', '--plain', '--nodes', '1')
    try {
      const second = await open(other.address, context)
      await newLeader(second)
      expect(await firstSteps(second).count()).toBe(0)
      await second.keyboard.press('?')
      await button(second, 'Show what to try first').click()
      await firstSteps(second).waitFor()
      await second.reload()
      await firstSteps(second).waitFor()
      await second.keyboard.press('g')
      await firstSteps(second).waitFor({ state: 'detached' })
      await second.keyboard.press('g')
      await firstSteps(second).waitFor()
    } finally {
      await other.stop()
    }

    const scenario = await open(`${cluster.address}#scenario=elections/first-election`, context)
    await scenario.getByRole('region', { name: 'Narration' }).waitFor()
    expect(await firstSteps(scenario).count()).toBe(0)
    await context.close()
  })

  test('does without cookies where there are none', async () => {
    const context = await browser.newContext()
    await context.addInitScript(() => {
      const refuse = () => {
        throw new DOMException('no cookies here', 'SecurityError')
      }
      Object.defineProperty(Document.prototype, 'cookie', { get: refuse, set: refuse })
    })
    const page = await open(cluster.address, context)
    await firstSteps(page).waitFor()
    await page.keyboard.press('g')
    await firstSteps(page).waitFor({ state: 'detached' })
    await context.close()
  })

  test('explains a word to the pointer and to the keyboard, and Escape closes only that', async () => {
    const page = await open()
    await newLeader(page)
    const word = page.locator('.signs .word', { hasText: 'matchIndex' })
    await word.hover()
    await note(page).getByText('two numbers that a leader keeps for each follower').waitFor()
    // Whoever points at the explanation may read on.
    await note(page).hover()
    await note(page).waitFor()
    await page.mouse.move(600, 300)
    await note(page).waitFor({ state: 'detached' })

    await page.keyboard.press('1')
    const card = page.getByRole('dialog', { name: 'Server n1' })
    const term = card.locator('.word', { hasText: 'term' }).first()
    await term.focus()
    await note(page).getByText('a number that counts elections').waitFor()
    expect(await term.getAttribute('aria-describedby')).toBe(await note(page).getAttribute('id'))
    const inside = (await note(page).boundingBox())!
    expect(inside.x).toBeGreaterThanOrEqual(0)
    expect(await serious(page)).toEqual([])
    await page.keyboard.press('Escape')
    await note(page).waitFor({ state: 'detached' })
    await card.waitFor()
    await page.keyboard.press('Escape')
    await card.waitFor({ state: 'detached' })
    await page.context().close()
  })

  test('explains no word that appears under a resting pointer, or where a finger was', async () => {
    const page = await open()
    await newLeader(page)
    await page.keyboard.press('1')
    const card = page.getByRole('dialog', { name: 'Server n1' })
    const word = (await card.locator('.word', { hasText: 'term' }).first().boundingBox())!
    await page.keyboard.press('Escape')
    await card.waitFor({ state: 'detached' })
    await page.mouse.move(word.x + word.width / 2, word.y + word.height / 2)
    await page.keyboard.press('1')
    await card.waitFor()
    // The browser tells what is under the pointer now when it has drawn it.
    await page.evaluate(() => new Promise((drawn) => requestAnimationFrame(() => setTimeout(() => requestAnimationFrame(drawn), 100))))
    expect(await note(page).count()).toBe(0)
    await page.mouse.move(word.x + word.width / 2 + 1, word.y + word.height / 2)
    await note(page).waitFor()
    await page.context().close()
  })

  test('explains a word to a finger, on the screen', async () => {
    const context = await browser.newContext({ viewport: { width: 390, height: 844 }, hasTouch: true, colorScheme: 'dark' })
    const page = await open(cluster.address, context)
    await newLeader(page)
    const word = page.locator('.signs .word', { hasText: 'nextIndex' })
    await word.scrollIntoViewIfNeeded()
    await word.tap()
    await note(page).waitFor()
    const box = (await note(page).boundingBox())!
    expect(box.x).toBeGreaterThanOrEqual(0)
    expect(box.x + box.width).toBeLessThanOrEqual(390)
    expect(box.y + box.height).toBeLessThanOrEqual(844)
    expect(await serious(page)).toEqual([])
    await page.locator('h1').tap()
    await note(page).waitFor({ state: 'detached' })
    await context.close()
  })

  test('says why a server has not done something, with the rule and the event', async () => {
    const page = await open()
    const leader = await newLeader(page)
    const follower = (leader % 3) + 1
    await page.keyboard.press(String(follower))
    const card = page.getByRole('dialog', { name: `Server n${follower}` })
    await card.getByRole('button', { name: 'lead?' }).click()
    await card.getByText(`n${follower} has not become leader`).waitFor()
    await card.getByText('reset-timer-on-leader').waitFor()
    expect(await serious(page)).toEqual([])
    await card.getByRole('button', { name: 'Kill', exact: true }).click()
    await page.locator(`[data-node="${follower}"]`).and(page.locator('.dead')).waitFor()
    await card.getByRole('button', { name: 'vote?' }).click()
    await card.getByText(`n${follower} is dead: killed`).waitFor()
    await card.getByRole('button', { name: /^Show n\d at/ }).click()
    await page.getByRole('region', { name: 'Why?' }).getByText('Killed (SIGKILL)').waitFor()
    await page.getByText('You are looking at the past (paused)').waitFor()
    await page.keyboard.press('l')
    await button(page, 'Restart').click()
    await page.locator(`[data-node="${follower}"]`).and(page.locator(':not(.dead)')).waitFor()
    await page.context().close()
  })

  test('shows the servers at the event in question on a phone too', async () => {
    const context = await browser.newContext({ viewport: { width: 390, height: 844 }, hasTouch: true })
    const page = await open(cluster.address, context)
    const leader = await newLeader(page)
    await page.locator(`[data-node="${leader}"]`).tap()
    const card = page.getByRole('dialog', { name: `Server n${leader}` })
    await card.getByRole('button', { name: 'lead?' }).tap()
    await card.getByText(`n${leader} has become leader`).waitFor()
    expect(await serious(page)).toEqual([])
    await card.getByRole('button', { name: /^Show n\d at/ }).tap()
    await page.getByRole('region', { name: 'Why?' }).getByText('majority-wins').waitFor()
    await card.waitFor({ state: 'detached' })
    await context.close()
  })

  test('says so in a scenario too, and offers it nowhere where nobody could answer', async () => {
    const page = await open(`${cluster.address}#scenario=elections/one-vote-per-term`)
    await page.getByRole('region', { name: 'Narration' }).waitFor()
    await page.keyboard.press('End')
    await page.keyboard.press('2')
    const card = page.getByRole('dialog', { name: 'Server n2' })
    await card.getByRole('button', { name: 'lead?' }).click()
    await card.getByText('n2 has not become leader').waitFor()
    await card.getByText('one-vote-per-term').first().waitFor()
    // It scrolls, and covers no log.
    const [shown, logs] = [(await card.boundingBox())!, (await page.locator('.logs').boundingBox())!]
    expect(shown.y).toBeGreaterThan(0)
    expect(shown.y + shown.height).toBeLessThanOrEqual(logs.y)
    await card.getByRole('button', { name: /^Show n\d at/ }).first().click()
    await page.getByRole('region', { name: 'Why?' }).waitFor()
    await page.context().close()

    const folder = await mkdtemp(join(tmpdir(), 'raft-page-'))
    try {
      const file = join(folder, 'run.html')
      execFileSync(RAFT!, ['export', 'elections/one-vote-per-term', '-o', file], { stdio: 'ignore' })
      const exported = await open(`file://${file}`)
      await exported.keyboard.press('2')
      await exported.getByRole('dialog', { name: 'Server n2' }).getByText('current').waitFor()
      expect(await exported.getByRole('region', { name: 'Why not?' }).count()).toBe(0)
      expect(await firstSteps(exported).count()).toBe(0)
      await exported.context().close()
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  })
})
