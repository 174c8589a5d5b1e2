// Can these logs exist? Asked and answered on the page, by hand and by keyboard; what is found can be played.

import type { Page } from 'playwright-core'
import { describe, expect, test } from 'vitest'
import { sentence, serious } from './cluster'
import { PHONE, button, labInFile, openStill, type Options } from './lab-page'

const lab = labInFile()

const FIGURE_8 = '#logs=1.2.4,1.2,1.2,1,1.3'
const claim = (page: Page, index: number, term: number) => button(page, `Claim that entry ${index} of term ${term} is committed`)
const log = (page: Page, server: string) => page.getByLabel(`Log of ${server}`, { exact: true })
const heading = (page: Page, name: string | RegExp) => page.getByRole('heading', { name })
const storeLogs = (page: Page) => page.getByRole('region', { name: 'Logs' }).locator('.strip').evaluateAll((all) => all.map((it) => Array.from(it.querySelectorAll('b'), (term) => term.textContent).join(' ')))

async function open(link: string, options: Options = {}): Promise<Page> {
  const page = await lab.browser.newPage({ viewport: { width: 1280, height: 800 }, reducedMotion: 'reduce', ...options })
  page.on('pageerror', (error) => expect.fail(String(error)))
  await page.goto(lab.address + link)
  await heading(page, 'Can these logs exist?').waitFor()
  return page
}

describe('can these logs exist?', () => {
  test('a run leads to them: its story is told, and it is played', async () => {
    const page = await open(FIGURE_8)
    await button(page, 'Find a run').click()
    await heading(page, /^Yes: a run leads to these logs, with \d elections\.$/).waitFor()
    await page.getByText(/In term 3, n5 is elected/).waitFor()
    expect(await serious(page)).toEqual([])
    await button(page, 'Play it').click()
    await page.getByRole('region', { name: 'Narration' }).getByText('Nothing happens here but elections').waitFor()
    await page.keyboard.press('End')
    await expect.poll(() => storeLogs(page)).toEqual(['1 2 4', '1 2', '1 2', '1', '1 3'])
    // The question is where it was, with what was found.
    await button(page, 'Back').click()
    await heading(page, /^Yes: a run/).waitFor()
    expect(page.url()).toContain(FIGURE_8)
    await page.close()
  })

  test('no run leads to them: the page says why', async () => {
    const page = await open('#logs')
    await page.getByRole('link', { name: 'impossible: no votes' }).click()
    await expect.poll(() => log(page, 'n3').inputValue()).toBe('2')
    await button(page, 'Find a run').click()
    await heading(page, 'No run of Raft leads to these logs.').waitFor()
    await page.getByText('No server can have been elected in term 2').waitFor()
    // With more servers there would be one.
    await page.getByLabel('More servers, with any log').selectOption('2')
    await heading(page, 'No run of').waitFor({ state: 'detached' })
    expect(await claim(page, 1, 1).first().isDisabled()).toBe(true)
    await button(page, 'Find a run').click()
    await heading(page, /^Yes: a run/).waitFor()
    expect(page.url()).toMatch(/#logs=1\.1,1\.1,2&servers=5$/)
    await page.close()
  })

  test('what is wrong is said where it is', async () => {
    const page = await open('#logs=1.x,1._.2,1,1&servers=77')
    await page.getByRole('alert').getByText('The link is about “77” servers, and with its logs there can be 4 to 9').waitFor()
    await page.getByRole('group', { name: 'n1', exact: true }).getByText('"x" is no term').waitFor()
    await page.getByRole('group', { name: 'n2', exact: true }).getByText('A log has no holes, but entry 2').waitFor()
    expect(await log(page, 'n1').getAttribute('aria-invalid')).toBe('true')
    expect(await serious(page)).toEqual([])
    await log(page, 'n1').fill('1 113')
    await page.keyboard.press('Enter')
    await page.getByText('Write a space between two terms.').waitFor()
    await log(page, 'n1').fill('1')
    await button(page, 'Remove n2').click()
    await button(page, 'Find a run').click()
    await heading(page, /^Yes: a run leads to these logs, with 1 election\.$/).waitFor()
    await page.close()
  })

  test('a search can be stopped, and ends when a log changes', async () => {
    // Nothing is left of many terms, so that there is much to try.
    const page = await open('#logs=,4,15.25,13.21,4')
    await button(page, 'Find a run').click()
    await page.getByText(/Searching for a run: [1-9]\d* moments looked at\./).waitFor()
    await button(page, 'Stop').click()
    await page.getByText('The search was stopped.').waitFor()
    await button(page, 'Find a run').click()
    await page.getByText(/Searching for a run/).waitFor()
    await log(page, 'n1').fill('1')
    await page.getByText(/Searching for a run/).waitFor({ state: 'detached' })
    await button(page, 'Find a run').waitFor()
    await page.close()
  })

  test('is asked and answered by keyboard alone', async () => {
    const page = await open('#logs=1.1')
    await log(page, 'n1').focus()
    await page.keyboard.press('Tab')
    expect(await page.evaluate(() => document.activeElement?.getAttribute('title'))).toBe('Claim that entry 1 of term 1 is committed')
    await page.keyboard.press('ArrowRight')
    expect(await page.evaluate(() => document.activeElement?.getAttribute('title'))).toBe('Claim that entry 2 of term 1 is committed')
    await button(page, 'Add a server').focus()
    await page.keyboard.press('Enter')
    expect(await log(page, 'n2').evaluate((it) => it === document.activeElement)).toBe(true)
    await page.keyboard.type('1')
    await page.keyboard.press('Enter')
    await heading(page, /^Yes: a run/).waitFor()
    await claim(page, 1, 1).first().focus()
    await page.keyboard.press('ArrowRight')
    await page.keyboard.press('Enter')
    await heading(page, 'Is entry 2 of term 1 committed?').waitFor()
    await page.getByText('It is on n1: 1 of 2 servers.').waitFor()
    await page.close()
  })

  for (const colorScheme of ['light', 'dark'] as const) {
    test(`is asked on a phone, with taps, ${colorScheme}`, async () => {
      const page = await open('#logs=1,1,1', { ...PHONE, colorScheme })
      await button(page, 'n2').tap()
      await page.getByRole('group', { name: 'Add an entry to n2' }).getByRole('button', { name: 'Term 3' }).tap()
      expect(await log(page, 'n2').inputValue()).toBe('1 3')
      await button(page, 'Find a run').tap()
      await heading(page, /^Yes: a run/).waitFor()
      await claim(page, 2, 3).tap()
      await page.getByText('It can be lost.').waitFor()
      expect(await serious(page)).toEqual([])
      expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(390)
      await page.close()
    })
  }
})

describe('is this entry committed?', () => {
  test('a run that loses it is played, and a run of one’s own is kept', async () => {
    const page = await openStill(lab.browser, lab.address, 3)
    await page.keyboard.press('1')
    await button(page, 'Time out now').click()
    await page.keyboard.press('Escape')
    await button(page, /^Go on/).click()
    await sentence(page).getByText('n1 leads term 1').waitFor()
    await page.keyboard.press(' ')
    await page.getByRole('link', { name: 'Logs…' }).click()
    // It is asked about the logs on show.
    expect(await log(page, 'n1').inputValue()).toMatch(/^1( 1)*$/)
    await page.goto(lab.address + FIGURE_8)
    await claim(page, 2, 2).first().click()
    await page.getByText('It can be lost.').waitFor()
    await page.getByText('n5 can be elected for term 5 with the votes of n2, n3 and n4').waitFor()
    expect(await claim(page, 2, 2).evaluateAll((all) => all.map((it) => it.getAttribute('aria-pressed')))).toEqual(['true', 'true', 'true'])
    expect(await claim(page, 2, 3).getAttribute('aria-pressed')).toBe('false')
    await button(page, 'Play it').click()
    await page.getByRole('region', { name: 'Narration' }).waitFor()
    await page.keyboard.press('End')
    await expect.poll(async () => (await storeLogs(page)).slice(0, 3)).toEqual(['1 3 5', '1 3 5', '1 3 5'])
    await button(page, 'Continue in the lab').click()
    const runs = page.getByRole('group', { name: 'Your runs' }).getByRole('button')
    await expect.poll(() => runs.allTextContents()).toEqual(['the first run', 'Entry 2 of term 2 is lost'])
    await runs.first().click()
    await expect.poll(() => sentence(page).textContent()).toBe('n1 leads term 1')
    await page.close()
  })

  test('a reason is told why it can’t be lost, and the way back leads to the run that was left', async () => {
    const page = await openStill(lab.browser, lab.address, 3)
    await page.getByRole('link', { name: 'Logs…' }).click()
    await page.getByRole('link', { name: 'Figure 8 (e)' }).click()
    await expect.poll(() => log(page, 'n3').inputValue()).toBe('1 2 4')
    await claim(page, 2, 2).first().click()
    await page.getByText('It can’t be lost.').waitFor()
    await page.getByText('entry 3 of term 4, which is after it: a majority').waitFor()
    await button(page, 'Back to your run').click()
    await page.getByText('Time stands still.').waitFor()
    await page.close()
  })

  test('it is asked from the course, too', async () => {
    const page = await lab.browser.newPage()
    await page.goto(`${lab.address}#learn`)
    await page.getByRole('link', { name: /^Can this log exist\?/ }).click()
    await heading(page, 'Can these logs exist?').waitFor()
    await page.close()
  })
})
