import { readFile, writeFile } from 'node:fs/promises'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Part, Stretch } from '../../src/source/contract'
import { apply, clusterFrom, newCluster, type ClusterView } from '../../src/trace/view'
import { launch, newLeader, RAFT, sentence, serious, start, type Cluster } from './cluster'

const SHOTS = process.env.SHOTS

/** What of a cluster the server's view and the page's have in common. */
function comparable({ servers, network, requests }: ClusterView) {
  const faulty_links = [...network.faulty_links].sort((one, other) => one.from - other.from || one.to - other.to)
  const told = Object.entries(servers).map(([id, { last_request: _, ...server }]) => [id, server])
  return { servers: Object.fromEntries(told), network: { ...network, faulty_links }, requests }
}

describe.skipIf(!RAFT)('the page of a living cluster', () => {
  let browser: Browser
  let cluster: Cluster
  let page: Page
  let folder: string
  const errors: string[] = []

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'raft-page-'))
    // With a data folder, there is no slow motion at first.
    ;[browser, cluster] = await Promise.all([launch(), start('up', '--plain', '--nodes', '3', '--data', join(folder, 'data'))])
    page = await open(cluster.address)
    await page.getByLabel('every event').check()
  })

  afterAll(async () => {
    await browser?.close()
    await cluster?.stop()
    await rm(folder, { recursive: true, force: true })
  })

  async function open(address: string, colorScheme: 'light' | 'dark' = 'light', width = 1280, height = 800) {
    const opened = await browser.newPage({ viewport: { width, height }, colorScheme })
    opened.on('pageerror', (error) => errors.push(String(error)))
    opened.on('console', (message) => message.type() === 'error' && errors.push(message.text()))
    await opened.goto(address)
    return opened
  }

  const server = (id: number) => page.locator(`[data-node="${id}"]`)
  const roleOf = async (where: Page, id: number) =>
    (await where.locator(`[data-node="${id}"] .role`).textContent())?.trim()
  const line = (text: string | RegExp) => page.locator('.story button.line').filter({ hasText: text })

  test('shows who leads', async () => {
    // Where the machine is busy, another one may lead a moment later.
    const showsLeader = async () => server(await newLeader(page)).and(page.locator('.leader')).isVisible()
    await expect.poll(showsLeader, { timeout: 20_000 }).toBe(true)
  })

  test('says nothing of the cluster before it has read what happened so far', async () => {
    const early = await browser.newPage()
    let go = () => {}
    const read = new Promise<void>((resolve) => (go = resolve))
    await early.route('**/api/records*', async (route) => {
      await read
      await route.continue()
    })
    await early.goto(cluster.address)
    await early.getByText('Loading what has happened so far').waitFor()
    expect(await early.getByText('You are looking at the past').count()).toBe(0)
    go()
    await newLeader(early)
    await early.close()
  })

  test('kills the leader by a click, and sees the next one elected', async () => {
    const leader = await newLeader(page)
    await server(leader).click()
    // The story shows its last lines: this one is there for a while, but need not be when all is over.
    const elected = line(/become the leader of term (?!1\b)/).last().waitFor()
    await page.getByRole('button', { name: 'Kill', exact: true }).click()
    const next = await newLeader(page, leader)
    await elected
    expect(next).not.toBe(leader)
    await server(leader).and(page.locator('.dead')).waitFor()
    await page.keyboard.press('Escape')
    await page.getByRole('button', { name: 'Restart dead servers' }).click()
    await server(leader).and(page.locator('.follower')).waitFor()
  })

  test('cuts a link by a line from one server to another, and mends it so', async () => {
    const links = page.locator('.link.cut')
    await drag(1, 2)
    await links.first().waitFor()
    expect(await links.count()).toBe(1)
    await drag(2, 1)
    await links.first().waitFor({ state: 'detached' })
  })

  async function drag(from: number, to: number) {
    const [start, end] = [await centre(from), await centre(to)]
    await page.mouse.move(start.x, start.y)
    await page.mouse.down()
    await page.mouse.move((start.x + end.x) / 2, (start.y + end.y) / 2, { steps: 4 })
    await page.mouse.move(end.x, end.y, { steps: 4 })
    await page.mouse.up()
  }

  async function centre(id: number) {
    // The body changes with the role; the track around it stays.
    const box = (await server(id).locator('.track').boundingBox())!
    return { x: box.x + box.width / 2, y: box.y + box.height / 2 }
  }

  test('says that there is no majority', async () => {
    for (const id of [1, 2]) {
      await page.keyboard.press(String(id))
      await page.getByRole('button', { name: 'Kill', exact: true }).click()
      await server(id).and(page.locator('.dead')).waitFor()
    }
    await page.keyboard.press('Escape')
    await expect.poll(() => sentence(page).textContent(), { timeout: 20_000 }).toMatch(/(No|without a) majority: 1 of 3 running/)
    await page.keyboard.press('r')
    await newLeader(page)
  })

  test('writes and reads a key', async () => {
    await page.keyboard.press('?')
    await page.getByRole('dialog').waitFor()
    await page.keyboard.press('Escape')
    await page.getByRole('dialog').waitFor({ state: 'detached' })
    await newLeader(page)
    await page.getByLabel('Key', { exact: true }).fill('colour')
    await page.getByLabel('Value', { exact: true }).fill('green')
    await page.getByRole('button', { name: 'Put', exact: true }).click()
    await expect.poll(() => page.locator('.outcome').textContent(), { timeout: 20_000 }).toMatch(/written/)
    await page.getByRole('button', { name: 'Get', exact: true }).click()
    await expect.poll(() => page.locator('.outcome').textContent(), { timeout: 20_000 }).toMatch(/green/)
    await page.locator('.cell', { hasText: 'colour = green' }).first().waitFor()
  })

  test('slows the cluster, and says when dials make elections endless', async () => {
    await page.getByLabel('Speed').focus()
    for (let step = 0; step < 3; step += 1) await page.keyboard.press('-')
    await expect.poll(() => page.locator('.speed b').textContent()).toMatch(/1\/\d+/)
    // A line for each notch of the slider would bury the story.
    await line('servers\' clocks run at').last().waitFor()
    const told = await page.locator('.story .words').allTextContents()
    const isSpeed = (words = '') => words.includes('clocks run at')
    expect(told.filter((words, place) => isSpeed(words) && isSpeed(told[place + 1]))).toEqual([])
    await page.getByLabel('Delay').fill('9')
    await page.locator('.notices .hint').waitFor()
    await page.getByRole('button', { name: 'Heal the network' }).click()
    await page.locator('.notices .hint').waitFor({ state: 'detached' })
  })

  test('goes back to the election, and shows the state then, its rule and its causes', async () => {
    // Further up in the story than what is shown at first.
    const election = line('become the leader').last()
    const lookFurther = async () => {
      await page.locator('.story ol').evaluate((list) => (list.scrollTop = 0))
      return election.count()
    }
    await expect.poll(lookFurther, { timeout: 20_000 }).toBeGreaterThan(0)
    await election.click()
    const why = page.getByRole('region', { name: 'Why?' })
    await why.getByText('majority-wins').waitFor()
    await why.getByText('Without it:').waitFor()
    expect(await why.locator('li').count()).toBeGreaterThan(2)
    await page.getByText('You are looking at the past (paused)').waitFor()
    const then = (await sentence(page).textContent())!
    const id = Number(/^n(\d+) leads/.exec(then)![1])
    const word = () => roleOf(page, id)
    expect(await word()).toBe('leader')
    await page.keyboard.press('ArrowLeft')
    await expect.poll(word).toBe('candidate')
    await page.keyboard.press('ArrowRight')
    await expect.poll(word).toBe('leader')
    await page.keyboard.press('l')
    await page.getByText('You are looking at the past').waitFor({ state: 'detached' })
  })

  test('veils what acts on the present while the past is on show', async () => {
    const looked = await open(cluster.address)
    const leader = await newLeader(looked)
    await looked.keyboard.press('Space')
    const back = looked.locator('.hands-panel').getByRole('button', { name: 'Back to live to act' })
    await back.waitFor()
    expect(await looked.locator('.hands-panel .controls').getAttribute('inert')).not.toBeNull()
    await looked.keyboard.press('k')
    await looked.getByText('L leads back to live').waitFor()
    await looked.keyboard.press(String(leader))
    expect(await looked.getByRole('button', { name: 'Kill', exact: true }).count()).toBe(0)
    expect(await serious(looked)).toEqual([])
    await looked.getByRole('dialog').getByRole('button', { name: 'Back to live to act' }).click()
    await looked.getByRole('button', { name: 'Kill', exact: true }).waitFor()
    await back.waitFor({ state: 'detached' })
    await looked.close()
  })

  test('shows where the bar begins, and apart from it the moment on show', async () => {
    const looked = await browser.newPage({ viewport: { width: 1280, height: 800 } })
    let go = () => {}
    const paused = new Promise<void>((resolve) => (go = resolve))
    await looked.route('**/api/story*', async (route) => {
      await paused
      await route.continue()
    })
    await looked.goto(cluster.address)
    await newLeader(looked)
    await looked.keyboard.press('Space')
    await looked.getByRole('button', { name: 'Play', exact: true }).waitFor()
    go()
    const seconds = async (where: string) => parseFloat((await looked.locator(where).first().textContent())!)
    // The story so far comes a moment after the page.
    await expect.poll(() => seconds('footer .words span')).toBeLessThan(2)
    const begin = await seconds('footer .words span')
    expect(await seconds('footer .moment')).toBeGreaterThan(begin)
    await looked.keyboard.press('ArrowLeft')
    expect(await seconds('footer .words span')).toBe(begin)
    await looked.close()
  })

  test('has no serious faults of accessibility, in both themes and with everything open', async () => {
    for (const theme of ['light', 'dark'] as const) {
      const looked = await open(cluster.address, theme)
      await newLeader(looked)
      await looked.getByLabel('every event').check()
      await looked.keyboard.press('1')
      await looked.locator('.story button.line').last().click()
      expect(await serious(looked)).toEqual([])
      await looked.close()
    }
  })

  test('downloads the trace, and opens it again', async () => {
    const waiting = page.waitForEvent('download')
    await page.getByRole('link', { name: 'Download' }).click()
    const path = join(folder, 'trace.jsonl')
    await (await waiting).saveAs(path)
    expect((await readFile(path, 'utf8')).split('\n').length).toBeGreaterThan(100)
    await page.locator('.tools input[type=file]').first().setInputFiles(path)
    await page.getByText('trace.jsonl').first().waitFor()
    await page.keyboard.press('End')
    await line(/./).first().waitFor()
    // The program makes headlines, not the page.
    expect(await page.getByLabel('every event').count()).toBe(0)
    expect(await page.getByRole('button', { name: 'Kill the leader' }).count()).toBe(0)
    await page.locator('.tools input[type=file]').first().setInputFiles({ name: 'no.txt', mimeType: 'text/plain', buffer: Buffer.from('no trace') })
    await page.getByText('Line 1 is not a trace record').waitFor()
  })

  test('replays what was embedded in it, without a server, from a link that names an event', async () => {
    const html = await readFile(new URL('../../dist/index.html', import.meta.url), 'utf8')
    const text = await readFile(join(folder, 'trace.jsonl'), 'utf8')
    const records = text.trim().split('\n').map((one) => JSON.parse(one) as { event: string; role?: string; node: number; life: number; seq: number })
    const setup = { mode: 'replay', title: 'mailed', scenario: null, servers: [1, 2, 3], timing: null, seed: null, speed: 1, latency_us: 0, history: null, scenes: [], without: null, version: '' }
    const embedded = JSON.stringify({ setup, records }).replaceAll('<', '\\u003c')
    const hole = '<script type="application/json" id="raft-embedded"></script>'
    expect(html.split(hole).length).toBe(2)
    const path = join(folder, 'mailed.html')
    await writeFile(path, html.replace(hole, () => hole.replace('></', `>${embedded}</`)))
    const leader = records.findLast((one) => one.role === 'leader')!
    const life = leader.life === 1 ? '' : `.${leader.life}`
    const mailed = await open(`file://${path}#run=mailed&at=n${leader.node}${life}:${leader.seq}`)
    const why = mailed.getByRole('region', { name: 'Why?' })
    expect(await roleOf(mailed, leader.node)).toBe('leader')
    await why.getByText('majority-wins').waitFor()
    await why.getByText('Without it:').waitFor()
    await mailed.close()
    const other = await open(`file://${path}#scenario=elections/first-election&at=n1:12`)
    await other.getByText('The link is to elections/first-election, but this page shows mailed.').waitFor()
    await other.close()
  })

  test('explains a broken promise by what was done and what that contradicts', async () => {
    // This event breaks it.
    const broken = await open(`${cluster.address}#scenario=without/one-vote-per-term&at=n2:18`)
    const why = broken.getByRole('region', { name: 'Why?' })
    await why.waitFor()
    await broken.keyboard.press('ArrowRight')
    await broken.locator('.story .headline.violated').getByText('VIOLATED: one vote per term').waitFor()
    await broken.locator('.story .inside').getByText('VIOLATED: one vote per term').click()
    await why.getByText('A server votes for at most one candidate per term').waitFor()
    await why.getByRole('heading', { name: 'What was done, and why' }).waitFor()
    await why.getByRole('heading', { name: 'What it contradicts, and why that was done' }).waitFor()
    expect(await why.getByRole('list').count()).toBe(2)
    await broken.close()
  })

  test('opens a scenario and its moment by a link, and goes back to the cluster', async () => {
    const linked = await open(`${cluster.address}#scenario=elections/first-election&at=n1:5`)
    const why = linked.getByRole('region', { name: 'Why?' })
    await why.waitFor()
    await linked.getByRole('button', { name: 'Copy link' }).locator('visible=true').click()
    expect(new URL(linked.url()).hash).toBe('#scenario=elections/first-election&at=n1:5')
    await linked.getByRole('button', { name: 'Scenarios…' }).locator('visible=true').click()
    const list = linked.getByRole('dialog', { name: 'Scenarios' })
    await list.locator('a[aria-current]').getByText('elections/first-election').waitFor()
    await linked.keyboard.type('nothing like this')
    await list.getByText('No scenario matches “nothing like this”').waitFor()
    await list.getByLabel('Search scenarios').fill('SPLIT end elections/')
    await expect.poll(() => list.getByRole('link').count()).toBeLessThan(5)
    await linked.keyboard.press('ArrowDown')
    await linked.keyboard.press('ArrowUp')
    await linked.keyboard.press('Enter')
    await list.waitFor({ state: 'hidden' })
    await why.waitFor({ state: 'detached' })
    expect(new URL(linked.url()).hash).toMatch(/^#scenario=elections\/split/)
    await linked.getByRole('button', { name: 'Back', exact: true }).locator('visible=true').click()
    await newLeader(linked)
    await linked.close()
    const unknown = await open(`${cluster.address}#scenario=no/such`)
    await unknown.getByText('There is no scenario no/such').waitFor()
    await unknown.close()
    // The browser logs the refusal too.
    expect(errors.splice(0)).toEqual([expect.stringContaining('404')])
  })

  test('goes on in a simulated copy that begins with what the disks hold, and goes back to the cluster', async () => {
    const copied = await open(cluster.address)
    await newLeader(copied)
    const button = (name: string) => copied.getByRole('button', { name, exact: true }).locator('visible=true')
    await button('Continue in a simulated copy').click()
    await copied.locator('.note').getByText('All servers have just been restarted with what their disks hold.').waitFor()
    expect(await sentence(copied).textContent()).toContain('No leader')
    await button('Script…').click()
    const script = copied.getByLabel('Script', { exact: true })
    await expect.poll(() => script.textContent()).toMatch(/log n1 \d[^]*memory n1 term=\d+[^]*cluster 3 /)
    await copied.keyboard.press('Escape')
    await button('Back').click()
    await newLeader(copied)
    await copied.close()
  })

  test('adds records up as the server does', async () => {
    const get = async (path: string) => (await fetch(new URL(path, cluster.address), { headers: { 'x-raft-token': token } })).json()
    const token = new URL(cluster.address).searchParams.get('token')!
    let [checked, events] = [0, new Set<string>()]
    let later = (await get('api/records')) as Stretch
    // The server sends a snapshot only where it has many later records.
    const happened = later.snapshot.after + later.records.length
    // A test before has slowed the cluster, and the page shows a trace by now, which has a speed of its own.
    const inRealTime = { method: 'POST', headers: { 'x-raft-token': token, 'content-type': 'application/json' }, body: '{"action":"set_speed","multiple":1}' }
    expect((await fetch(new URL('api/action', cluster.address), inRealTime)).ok).toBe(true)
    const isFar = async () => (later = (await get('api/records')) as Stretch).snapshot.after >= happened
    await expect.poll(isFar, { timeout: 50_000 }).toBe(true)
    while (later.snapshot.after > 0) {
      const earlier = (await get(`api/records?up_to=${later.snapshot.after}`)) as Stretch
      const folded = earlier.records.reduce(apply, clusterFrom(earlier.snapshot.view))
      expect(comparable(folded)).toEqual(comparable(clusterFrom(later.snapshot.view)))
      earlier.records.forEach(({ event }) => events.add(event))
      later = earlier
      checked += 1
    }
    expect(checked).toBeGreaterThan(1)

    // The story without its routine ends where the latest stretch begins, in the same state but for what heartbeats do.
    const newest = (await get('api/records')) as Stretch
    const parts = (await get(`api/story?up_to=${newest.snapshot.after}`)) as Part[]
    const told = parts.reduce((_, { snapshot, records }) => records.reduce(apply, clusterFrom(snapshot.view)), newCluster([]))
    const lasting = ({ servers }: ClusterView) =>
      Object.values(servers).map(({ role, term, voted_for, log, condition }) => ({ role, term, voted_for, log, condition }))
    expect(lasting(told)).toEqual(lasting(clusterFrom(newest.snapshot.view)))
    expect(parts.flatMap(({ numbers }) => numbers).length).toBeLessThan(newest.snapshot.after / 2)
    for (const event of ['role', 'died', 'appended', 'committed', 'links_cut', 'restored']) expect(events).toContain(event)
  })

  test('shows the whole story so far to who comes late, and reads the heartbeats of the past when they are wanted', async () => {
    const late = await open(cluster.address)
    await newLeader(late)
    await late.getByLabel('every event').check()
    await late.getByText('Load older heartbeats').waitFor()
    await expect.poll(() => late.locator('footer .words span').first().textContent()).toMatch(/^0\.\d+ s$/)
    await late.locator('.scrubber').focus()
    await late.locator('.scrubber').fill('0')
    await late.locator('.story button.line').getByText(/become the leader|start as a follower/i).first().waitFor()
    await late.keyboard.press('Home')
    await late.getByText('Load older heartbeats').waitFor({ state: 'detached' })
    await late.locator('.story .ahead').first().waitFor()
    await late.keyboard.press('ArrowRight')
    await late.locator('.story .shown').waitFor()
    await late.keyboard.press('Home')
    await late.keyboard.press('l')
    await newLeader(late)
    await late.close()
  })

  test('keeps the servers in sight of who asks why on a phone', async () => {
    const phone = await open(cluster.address, 'dark', 390, 844)
    await newLeader(phone)
    await phone.getByLabel('every event').check()
    await phone.locator('.story button.line').last().click()
    const why = (await phone.getByRole('region', { name: 'Why?' }).boundingBox())!
    for (const id of [1, 2, 3]) {
      const body = (await phone.locator(`[data-node="${id}"] .body`).boundingBox())!
      expect(body.y).toBeGreaterThanOrEqual(0)
      expect(body.y + body.height).toBeLessThanOrEqual(why.y)
    }
    if (SHOTS) await phone.screenshot({ path: join(SHOTS, 'phone-why.png') })
    await phone.close()
  })

  test('unfolds its legend beside the servers, not on them', async () => {
    const looked = await open(cluster.address)
    await newLeader(looked)
    await looked.getByText('Legend').click()
    const legend = (await looked.locator('details[open]').boundingBox())!
    for (const id of [1, 2, 3]) {
      const left = async () => (await looked.locator(`[data-node="${id}"] .body`).boundingBox())!.x
      await expect.poll(left).toBeGreaterThan(legend.x + legend.width)
    }
    await looked.close()
  })

  test('has its controls next to the servers on a phone, and keeps the servers in sight', async () => {
    const phone = await open(cluster.address, 'light', 390, 844)
    await newLeader(phone)
    const bar = (await phone.locator('footer').boundingBox())!
    const isInSight = async (name: string) => {
      const { y, height } = (await phone.getByRole('button', { name, exact: true }).boundingBox())!
      return y + height < bar.y
    }
    expect(await isInSight('Try it: Kill the leader')).toBe(true)
    await phone.getByRole('button', { name: 'Close for good' }).click()
    expect(await isInSight('Kill the leader')).toBe(true)
    await phone.getByRole('button', { name: 'Put', exact: true }).scrollIntoViewIfNeeded()
    const first = (await phone.locator('[data-node="1"] .body').boundingBox())!
    expect(first.y).toBeGreaterThanOrEqual(0)
    expect(first.y + first.height).toBeLessThan(bar.y)
    await phone.close()
  })

  test('fits a phone', async () => {
    for (const theme of ['light', 'dark'] as const) {
      for (const [width, height] of [[1280, 800], [390, 844]] as const) {
        const looked = await open(cluster.address, theme, width, height)
        await newLeader(looked)
        const overflow = await looked.evaluate(() => document.documentElement.scrollWidth - innerWidth)
        expect(overflow).toBeLessThanOrEqual(0)
        if (SHOTS) await looked.screenshot({ path: join(SHOTS, `${width}x${height}-${theme}.png`) })
        await looked.close()
      }
    }
  })

  test('has complained of nothing', () => {
    expect(errors).toEqual([])
  })
})

describe.skipIf(!RAFT)('the page of a cluster that has ended', () => {
  test('says so, and shows its last moment', async () => {
    const [browser, cluster] = await Promise.all([launch(), start('up', '--plain', '--nodes', '1')])
    try {
      const page = await browser.newPage()
      await page.goto(cluster.address)
      await newLeader(page)
      await cluster.stop()
      await expect.poll(() => sentence(page).textContent()).toBe('The cluster has ended')
      await page.getByRole('button', { name: 'Ended', pressed: true }).waitFor()
      expect(await page.getByText('The cluster keeps running').count()).toBe(0)
      await page.keyboard.press('ArrowLeft')
      await page.getByRole('button', { name: 'Ended', pressed: false }).waitFor()
    } finally {
      await browser.close()
    }
  })
})

describe.skipIf(!RAFT)('the page of a cluster with a server that has lost its disk', () => {
  test('says that the others refuse it', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'raft-page-'))
    const browser = await launch()
    const up = () => start('up', '--plain', '--nodes', '3', '--data', folder)
    let cluster = await up()
    try {
      const before = await browser.newPage()
      await before.goto(cluster.address)
      await newLeader(before)
      await cluster.stop()
      await rm(join(folder, 'n3'), { recursive: true })
      cluster = await up()
      const page = await browser.newPage()
      await page.goto(cluster.address)
      await newLeader(page)
      const third = page.locator('[data-node="3"]')
      await third.getByText('refused').waitFor()
      expect(await third.getAttribute('aria-label')).toMatch(/ refused, log ends with entry 0/)
      expect(await page.locator('[data-node] .trouble').count()).toBe(1)
      await third.click()
      await page.getByText('its data folder is not that of a member').waitFor()
    } finally {
      await browser.close()
      await cluster.stop()
      await rm(folder, { recursive: true, force: true })
    }
  })
})
