// The rules of Raft, generated from the Rust code.

import type { RuleTold } from '../types/RuleTold'
import told from '../types/rules.json'

/** All rules by their ids, in the order in which a beginner best meets them. */
export const RULES: ReadonlyMap<string, RuleTold> = new Map((told as RuleTold[]).map((rule) => [rule.id, rule]))
