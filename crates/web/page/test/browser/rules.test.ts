// What a rule is for: the search for a counterexample without it, and the same run with it and without it.

import type { Page } from 'playwright-core'
import { describe, expect, test } from 'vitest'
import { pack } from '../../src/time/packed'
import { sentence, serious } from './cluster'
import { PHONE, button, labInFile, openLab, openStill, standsStill } from './lab-page'

const lab = labInFile()

const violated = (page: Page, promise: string) => page.locator('.notices .bad').getByText(`VIOLATED: ${promise}`).waitFor()

/** Chooses what to do with a rule in the list of rules. */
async function choose(page: Page, rule: string, what: string): Promise<void> {
  await button(page, 'Rules…').click()
  await page.getByLabel('Search rules').fill(rule)
  await page.getByRole('listitem').filter({ has: page.getByText(rule, { exact: true }) }).getByRole('button', { name: what }).click()
}

describe('a counterexample', () => {
  const dialog = (page: Page) => page.getByRole('dialog', { name: 'A counterexample without' })
  const hunt = (page: Page, rule: string) => choose(page, rule, 'Find a counterexample')

  test('is found, made short, shown at the moment when the promise breaks, and can be sent', async () => {
    const page = await openStill(lab.browser, lab.address, 3)
    await hunt(page, 'one-vote-per-term')
    await dialog(page).getByText('random runs examined').waitFor()
    await dialog(page).getByText('lines now').waitFor()
    await violated(page, 'one vote per term')
    const why = page.getByRole('region', { name: 'Why?' })
    await why.getByText('What was promised:').waitFor()
    expect(await page.locator('header .title').textContent()).toContain('Without one-vote-per-term: one vote per term')
    // The run before is kept.
    const runs = page.getByRole('group', { name: 'Your runs' }).getByRole('button')
    await page.locator('.note').getByText('Your run is kept').waitFor()
    await expect.poll(() => runs.allTextContents()).toEqual(['the first run', 'without one-vote-per-term: a counterexample'])
    await button(page, 'Copy link').click()
    await expect.poll(() => page.url()).toContain('&at=')
    const other = await openLab(lab.browser, page.url())
    await violated(other, 'one vote per term')
    expect(await sentence(other).textContent()).toBe(await sentence(page).textContent())
    await page.keyboard.press('End')
    await runs.first().click()
    await page.locator('.notices .bad').waitFor({ state: 'detached' })
    expect(await page.locator('header .title').textContent()).toBe('A simulated cluster')
    await Promise.all([page.close(), other.close()])
  })

  test('is not searched for where chance finds none: the story by hand is offered', async () => {
    const page = await openStill(lab.browser, lab.address, 3)
    await hunt(page, 'found-together')
    await dialog(page).getByText('A search finds nothing without found-together: a disk must be lost').waitFor()
    expect(await serious(page)).toEqual([])
    await dialog(page).getByRole('link', { name: 'show it' }).click()
    await page.getByRole('region', { name: 'Narration' }).waitFor()
    expect(page.url()).toContain('#scenario=without/found-together')
    await page.close()
  })

  test('is shown as long as it is, if there is a stop while it is made shorter', async () => {
    const page = await openStill(lab.browser, lab.address, 3)
    await hunt(page, 'up-to-date-log')
    await dialog(page).getByRole('button', { name: 'Stop and show this story' }).click()
    await page.locator('.notices .bad').getByText('VIOLATED').waitFor()
    await page.close()
  })

  test('is no more searched for after a stop, and the cluster on show is still there', async () => {
    const page = await openStill(lab.browser, lab.address, 3)
    await hunt(page, 'commit-current-term-only')
    await dialog(page).getByText(/[1-9]\d* random runs examined/).waitFor()
    await dialog(page).getByRole('button', { name: 'Stop' }).click()
    await dialog(page).getByText(/^Nothing was found in \d+ random runs\.$/).waitFor()
    await page.keyboard.press('Escape')
    await page.keyboard.press('Escape')
    await standsStill(page).waitFor()
    await page.keyboard.press('1')
    await button(page, 'Time out now').click()
    await page.locator('.note').getByText('▸ timeout n1').waitFor()
    await page.close()
  })

  test('is found although servers panic', async () => {
    const page = await openStill(lab.browser, lab.address, 3)
    await hunt(page, 'truncate-only-on-conflict')
    await page.locator('.notices .bad').getByText('VIOLATED').waitFor({ timeout: 60_000 })
    await page.getByText('without truncate-only-on-conflict: a counterexample').first().waitFor()
    await page.close()
  })
})

describe('with a rule and without it', () => {
  const RULE = 'one-vote-per-term'
  const side = (page: Page, label: string) => page.getByRole('region', { name: `The cluster ${label}`, exact: true })
  const panel = (page: Page) => page.getByRole('region', { name: 'Side by side' })
  const candidates = (page: Page, label: string) => side(page, label).getByText('candidate', { exact: true })
  const moment = (page: Page) => page.getByLabel('Moment').inputValue()
  const leave = (page: Page) => page.evaluate(() => (document.activeElement as HTMLElement).blur())

  async function compare(page: Page, rule = RULE): Promise<void> {
    await choose(page, rule, 'Compare with and without')
    await panel(page).waitFor()
  }

  /** Splits the vote, which breaks a promise on one side. */
  async function split(page: Page): Promise<void> {
    await button(page, 'Split the vote').click()
    for (const label of [`with ${RULE}`, 'without it']) await expect.poll(() => candidates(page, label).count()).toBe(3)
    await panel(page).getByText('Both have done the same so far.').waitFor()
    await leave(page)
    await page.keyboard.press(' ')
    await violated(page, 'one vote per term')
  }

  test('both do the same until the rule matters; the first difference is told, and a key leads to it', async () => {
    const page = await openStill(lab.browser, lab.address, 3)
    await compare(page)
    await split(page)
    await side(page, 'without it').getByText('VIOLATED').waitFor()
    // What shows one of the two says which.
    await page.locator('.logs').getByText('Logs without it').waitFor()
    await button(page, 'Copy link').click()
    await page.locator('.note').getByText('this moment of the cluster without it').waitFor()
    expect(await side(page, `with ${RULE}`).getByText('VIOLATED').count()).toBe(0)
    await panel(page).getByText('The first difference, at').waitFor()
    const deeds = await panel(page).locator('dd').allTextContents()
    expect(deeds[0]).toContain('Refuse the vote')
    expect(deeds[1]).toContain('Grant my vote')
    await page.keyboard.press('d')
    await page.getByText('You are looking at the past.').waitFor()
    await page.locator('.story .differs').getByText('The first difference').waitFor()
    await page.getByRole('region', { name: 'Why?' }).getByText(RULE).waitFor()
    // The story of the other side is told as soon as that is touched.
    const shown = await moment(page)
    await button(page, `with ${RULE}`).click()
    await page.locator('.story').getByText('My vote in term 1 went to').waitFor()
    expect(await moment(page)).toBe(shown)
    // What was before is what both go on from.
    await button(page, 'Back to the present').click()
    await side(page, 'without it').locator('[data-node="1"]').click()
    await page.keyboard.press('Escape')
    await button(page, 'Go back to just before it').click()
    await button(page, 'Continue from here').first().click()
    await standsStill(page).waitFor()
    await panel(page).getByText('Both have done the same so far.').waitFor()
    await leave(page)
    await page.keyboard.press('x')
    await panel(page).waitFor({ state: 'detached' })
    // The run before the comparison has not gone on.
    await expect.poll(() => page.getByText('candidate', { exact: true }).count()).toBe(0)
    await page.close()
  })

  test('what only one side can do is said', async () => {
    const page = await openStill(lab.browser, lab.address, 3)
    await compare(page)
    await split(page)
    await page.keyboard.press(' ')
    await violated(page, 'election safety')
    // There is a leader on one side only.
    await page.keyboard.press('3')
    await button(page, 'Make it the leader').click()
    await page.locator('.note').getByText(`▸ transfer n3 · with ${RULE} it was refused`).waitFor()
    await panel(page).getByText('Only one of the two could do this:').waitFor()
    await panel(page).getByText('transfer n3').waitFor()
    await page.close()
  })

  test('a script is played on both sides, and with a rule that does not matter they never differ', async () => {
    const script = 'cluster 3 election-timeout=150ms..300ms heartbeat=50ms latency=10ms..20ms seed=7\ntimeout n1\nrun 100ms\nput c1 x 7\nrun 100ms\nkill n1\n---\n'
    const page = await openLab(lab.browser, `${lab.address}#lab=${await pack(script)}&at=0`)
    await compare(page, 'truncate-only-on-conflict')
    for (const label of ['with truncate-only-on-conflict', 'without it']) await side(page, label).getByText('dead', { exact: true }).waitFor()
    await panel(page).getByText('Both have done the same so far.').waitFor()
    await page.keyboard.press('ArrowRight')
    await panel(page).getByText('Both have done the same so far.').waitFor()
    await page.close()
  })

  test('a server that finds a contradiction in itself breaks a promise', async () => {
    const append = 'from=n1 to=n2 kind=append-entries count=1'
    const lines = ['timeout n1', 'run 100ms', 'put c1 x 1', `duplicate ${append}`, `hold ${append}`, 'run 100ms', 'put c1 x 2', 'run 200ms']
    const script = `cluster 3 election-timeout=150ms..300ms heartbeat=50ms latency=10ms..20ms seed=7\n${lines.join('\n')}\n---\n`
    const page = await openLab(lab.browser, `${lab.address}#lab=${await pack(script)}&at=0`)
    await compare(page, 'truncate-only-on-conflict')
    // The old message arrives after a later entry is committed.
    await page.keyboard.press('i')
    await page.getByRole('dialog', { name: 'Message in flight' }).getByRole('button', { name: 'Deliver now' }).click()
    await side(page, 'without it').getByText('VIOLATED').waitFor()
    await page.locator('.notices .bad').getByText('no server panics').waitFor()
    expect(await side(page, 'with truncate-only-on-conflict').getByText('VIOLATED').count()).toBe(0)
    await page.close()
  })

  for (const colorScheme of ['light', 'dark'] as const) {
    test(`can be seen as rings and as lanes, on a screen and on a phone, ${colorScheme}`, async () => {
      for (const options of [{ colorScheme }, { ...PHONE, colorScheme }]) {
        const page = await openStill(lab.browser, lab.address, 3, options)
        await compare(page)
        await split(page)
        const places = await Promise.all([`with ${RULE}`, 'without it'].map((label) => side(page, label).boundingBox()))
        const isStacked = places[1]!.y >= places[0]!.y + places[0]!.height
        expect(isStacked).toBe('isMobile' in options)
        expect(await serious(page)).toEqual([])
        await button(page, 'Space–time').click()
        await expect.poll(() => page.locator('.lanes > svg').count()).toBe(2)
        for (const drawing of await page.locator('.lanes > svg').all()) expect((await drawing.boundingBox())!.height).toBeGreaterThan(100)
        expect(await serious(page)).toEqual([])
        expect(await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)).toBeLessThanOrEqual(0)
        await page.close()
      }
    })
  }
})

test('a rule that a cluster does not use is not called on', async () => {
  const page = await openStill(lab.browser, lab.address, 3)
  const rule = page.getByRole('listitem').filter({ has: page.getByText('pre-vote', { exact: true }) })
  await button(page, 'Rules…').click()
  await rule.getByText('This cluster does not use it').waitFor()
  expect(await rule.getByRole('switch').count()).toBe(0)
  await page.keyboard.press('Escape')
  await button(page, 'Use pre-vote').click()
  await button(page, 'Rules…').click()
  expect(await rule.getByRole('switch').isChecked()).toBe(false)
  await page.close()
})
