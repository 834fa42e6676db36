import { replaceOutsideRaw } from './markup.ts'

const TABLE_RULE = /^[ \t]*\|?[ \t]*:?-+:?[ \t]*(?:\|[ \t]*:?-+:?[ \t]*)*\|?[ \t]*$/

/** Returns how many lines a Markdown table has that begins at a line; 0 where none begins. */
export function tableHeight(lines: readonly string[], start: number): number {
  const rule = lines[start + 1]
  if (rule === undefined || !lines[start]?.includes('|') || !rule.includes('|') || !TABLE_RULE.test(rule)) return 0
  let end = start + 2
  while (lines[end]?.includes('|')) end += 1
  return end - start
}

const BAR = /\\\||\|/

/** Splits a row of a Markdown table; a bar in code or mathematics is a sign. */
export function cellsOf(row: string): string[] {
  const inner = row
    .trim()
    .replace(/^\|/, '')
    .replace(/(?<!\\)\|$/, '')
  return replaceOutsideRaw(inner, BAR, (_, bar) => (bar === '|' ? '\n' : '|')).split('\n')
}
