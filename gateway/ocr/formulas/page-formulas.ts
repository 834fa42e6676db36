import type { OcrRequest } from '../../request/ocr-request.ts'
import { findFormulas, type Formula } from '../markdown/find-formulas.ts'
import type { PageFormulas, PageResult } from '../page-event.ts'
import type { CheckFormulas } from './check.ts'

/** A page with more broken formulas names so many. */
const MAX_NAMED = 20
const MAX_TEX_CHARACTERS = 200
/** Looking through a longer text would hold the event loop. The ledger says that it is as the model wrote it. */
const MAX_TEXT_CHARACTERS = 500_000

/** Finds the formulas of a page that a vision model has read as Markdown. */
export function formulasOf(
  { text, engine, isFallback }: Pick<PageResult, 'text' | 'engine' | 'isFallback'>,
  { answersJson }: Pick<OcrRequest, 'answersJson'>,
): readonly Formula[] {
  const isLeft = engine !== 'vllm' || isFallback || answersJson || text.length > MAX_TEXT_CHARACTERS
  return isLeft ? [] : findFormulas(text)
}

/** Checks the formulas of a page. */
export async function checkPage(formulas: readonly Formula[], check: CheckFormulas): Promise<PageFormulas> {
  const verdicts = await check(formulas)
  const broken = formulas.flatMap(({ tex }, index) => {
    const message = verdicts[index]
    return typeof message === 'string' ? [{ tex, message }] : []
  })
  return {
    count: formulas.length,
    unchecked: verdicts.filter((verdict) => verdict === undefined).length,
    brokenCount: broken.length,
    broken: broken.slice(0, MAX_NAMED).map(({ tex, message }) => ({ tex: tex.slice(0, MAX_TEX_CHARACTERS), message })),
  }
}
