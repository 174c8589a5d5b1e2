// The rules of Raft and what it promises, generated from the Rust code.

import type { RuleTold } from '../types/RuleTold'
import promises from '../types/promises.json'
import told from '../types/rules.json'

/** All rules by their ids, in the order in which a beginner best meets them. */
export const RULES: ReadonlyMap<string, RuleTold> = new Map((told as RuleTold[]).map((rule) => [rule.id, rule]))

/** What each promise means, by its name as records of a violation have it. */
export const PROMISES: ReadonlyMap<string, string> = new Map(promises.map(({ name, meaning }) => [name, meaning]))
