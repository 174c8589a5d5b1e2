import { beforeAll, describe, expect, test } from 'vitest'
import type { Engine } from '../../src/source/engine'
import { EXAMPLES, Origin, linkToLogs, linkToLogsOf } from '../../src/source/origin.svelte'
import { readLink } from '../../src/time/links'
import { apply, newCluster } from '../../src/trace/view'
import { engineOfTheBuild } from './engine'

let engine: Engine
beforeAll(async () => {
  engine = await engineOfTheBuild()
})

/** The question of a link. */
function asked(link: string): Origin {
  const { logs, servers } = readLink(link)
  return new Origin(engine, logs!, servers)
}

async function found(link: string) {
  const origin = asked(link)
  await origin.find()
  return origin
}

describe('a question about logs', () => {
  test('is named by a link', () => {
    expect(linkToLogs(['1 1 3', '1  2', ''])).toBe('#logs=1.1.3,1.2,')
    expect(linkToLogs(['1', '2'], 3)).toBe('#logs=1,2&servers=5')
    const origin = asked('#logs=1.1.3,1.2,&servers=5')
    expect(origin).toMatchObject({ logs: ['1 1 3', '1 2', ''], others: 2, problem: null, link: '#logs=1.1.3,1.2,&servers=5' })
    expect(asked('#logs').logs).toEqual(EXAMPLES[1]!.logs)
    expect(asked('#logs=1+1+3').logs).toEqual(['1 1 3'])
  })

  test('is about the logs of a cluster', async () => {
    const after = async (script: string) => {
      const { setup, records } = await engine.ask('film', { script })
      return linkToLogsOf(records.reduce(apply, newCluster(setup.servers)))
    }
    expect(await after('cluster 3 spares=1\ntimeout n1\nsettle\npropose 5\n---\n')).toBe('#logs=1.1,1,1')
    expect(await after('cluster 3\n---\n')).toBe('#logs')
    expect(await after('log n1 1 1\ncluster 11\n---\n')).toBe('#logs')
  })

  test('of a link that makes no sense says what to do', () => {
    const many = asked(`#logs=${'1,'.repeat(9)}2`)
    expect(many.problem).toEqual({ text: 'the link has 10 logs, and at most 9 can be asked about', help: 'these are the first of them' })
    expect(many.logs).toEqual(Array(9).fill('1'))
    expect(asked(`#logs=${'1.'.repeat(10_000)}`).terms).toEqual([null])
    for (const servers of ['1', '10', 'x', '-3', '']) expect(asked(`#logs=1,2&servers=${servers}`)).toMatchObject({ others: 0, problem: { help: 'say below how many more there are' } })
  })

  test('is answered with a run, which the engine plays', async () => {
    const { answer } = await found('#logs=1.1.3,1.2,')
    if (answer?.is !== 'run') throw new Error(`there is a run: ${JSON.stringify(answer)}`)
    expect(answer.story).toHaveLength(3)
    const film = await engine.ask('film', { script: answer.scenario })
    expect(film.setup.scenes.filter(({ command }) => command === 'logs').at(-1)!.said).toContain('n1      1   1   3\nn2      1   2\nn3\n')
  })

  test('is answered with a reason, if there is none', async () => {
    expect(await found('#logs=1.1,1.1,2')).toMatchObject({ busy: null, problem: null, answer: { is: 'impossible', why: expect.stringContaining('no server can have been elected in term 2') } })
    expect((await found('#logs=1.1,2')).answer?.is).toBe('impossible')
    expect((await found('#logs=1.1,2&servers=3')).answer?.is).toBe('run')
    expect((await found('#logs=1.2,2.1')).answer).toMatchObject({ is: 'impossible', why: expect.stringContaining('terms never fall') })
  })

  test('has examples: the paper’s figures, and some that can’t be', async () => {
    const answers = await Promise.all(EXAMPLES.map(async ({ logs }) => (await found(linkToLogs(logs))).answer?.is))
    expect(answers).toEqual(['run', 'run', 'run', 'impossible', 'impossible'])
  })

  test('says of each log what is wrong with it', async () => {
    const origin = await found('#logs=1.x,1._.2,113,2.1,')
    expect(origin).toMatchObject({ answer: null, busy: null })
    expect(origin.wrong.map((words) => words?.split(':')[0])).toEqual(['"x" is no term', 'a log has no holes, but entry 2 of "1 _ 2" is missing', 'the latest term that is tried here is 30', undefined, undefined])
    origin.write(0, '1')
    expect(origin.wrong).toEqual([])
  })

  test('is written by taps, too', () => {
    const origin = asked('#logs=1.1')
    origin.add()
    origin.append(1, 2)
    origin.append(1, 3)
    origin.shorten(1)
    expect(origin.logs).toEqual(['1 1', '2'])
    origin.askOf(7)
    origin.add()
    expect([origin.others, origin.canClaim, origin.room]).toEqual([6, false, 6])
    origin.remove(0)
    expect(origin.logs).toEqual(['2', ''])
  })

  test('forgets what was found when a log changes', async () => {
    const origin = await found('#logs=1.1.3,1.2,')
    await origin.claim({ index: 1, term: 1 })
    expect([origin.answer, origin.examined]).not.toContain(null)
    origin.append(2, 1)
    expect([origin.answer, origin.examined, origin.claimed]).toEqual([null, null, null])
  })
})

describe('a claim that an entry is committed', () => {
  test('is refuted by a run in which it is lost, or there is a reason why it can’t be', async () => {
    const origin = asked('#logs=1.2.4,1.2,1.2,1,1.3')
    await origin.claim({ index: 2, term: 2 })
    expect(origin.examined).toMatchObject({ can_be_lost: true, holders: [1, 2, 3], why: expect.stringContaining('n5 can be elected for term 5') })
    await origin.claim({ index: 1, term: 1 })
    expect(origin.examined).toMatchObject({ can_be_lost: false, run: null })
    const safe = asked('#logs=1.2.4,1.2.4,1.2.4,1,1.3')
    await safe.claim({ index: 2, term: 2 })
    expect(safe.examined).toMatchObject({ can_be_lost: false, why: expect.stringContaining('entry 3 of term 4, which is after it') })
  })

  test('is about the entry that was chosen, not about the one that most have there', async () => {
    const origin = asked('#logs=1.2.4,1.2,1.2,1,1.3')
    await origin.claim({ index: 2, term: 3 })
    expect(origin.examined).toMatchObject({ term: 3, holders: [5], can_be_lost: true })
  })

  test('is refused about logs that no run leads to', async () => {
    const origin = asked('#logs=1.3,2.3,')
    await origin.claim({ index: 2, term: 3 })
    expect(origin.examined).toBeNull()
    expect(origin.problem?.text).toContain('log matching')
  })
})
