import type { PageImage } from '../page/page.ts'
import type { AttemptSeen, PageToRead } from '../read/page-to-read.ts'
import type { OcrRequest } from '../request/ocr-request.ts'
import type { NewSample, SampleKeeper } from '../samples/keeper.ts'
import type { PageResult, Verification } from './page-event.ts'

/** A page whose attempts are seen. */
interface SampledPage<Page extends PageToRead> {
  readonly page: Page
  /** Offers the page as a sample, where its end is a reason to keep it. */
  readonly ended: (result: PageResult) => void
}

/** An answer that holds less of a text layer is worth a look, whether the page was read again or not. */
const LOW_AGREEMENT = 0.8
/** The mean over a page; asked for by `ocr.confidence`. */
const LOW_CONFIDENCE = 0.7

/**
 * Has a page's attempts noted, so that it can be kept when it proves to be hard. Without a keeper, and where the request
 * keeps nothing (`cache: "off"`), the page is returned as it is.
 */
export function watchForSample<Page extends PageToRead>(
  page: Page,
  request: OcrRequest,
  keeper: SampleKeeper | null,
): SampledPage<Page> {
  const { cache } = request
  if (keeper === null || cache === 'off') return { page, ended: () => {} }
  const attempts: AttemptSeen[] = []
  return {
    page: { ...page, onAttempt: (attempt) => void attempts.push(attempt) },
    ended(result) {
      const reasons = reasonsToKeep(result)
      // A page that no engine has answered says nothing of the model.
      if (reasons.length === 0 || attempts.every(({ text }) => text === null)) return
      keeper.offer(sampleOf(result, reasons, attempts, request))
    },
  }
}

/** Returns why a page is worth keeping; none for a page that was read well at once. */
function reasonsToKeep({ status, warnings, agreement, confidence, fields, verify }: PageResult): string[] {
  return [
    ...(status === 'repaired' || status === 'failed' || status === 'fallback' ? [status] : []),
    ...(warnings.some(({ code }) => code === 'text_disagrees') ? ['text_disagrees'] : []),
    ...(agreement !== null && agreement < LOW_AGREEMENT ? ['low_agreement'] : []),
    ...(confidence !== null && confidence.mean < LOW_CONFIDENCE ? ['low_confidence'] : []),
    ...(fields !== undefined && fields.repaired.length > 0 ? ['fields_repaired'] : []),
    ...(fields?.isDoubtful === true ? ['fields_doubtful'] : []),
    ...(verify !== undefined && disagree(verify) ? ['models_disagree'] : []),
  ]
}

/** Two models write the same page a little differently; of a number, one of them is wrong. */
function disagree({ agreement, differences }: Verification): boolean {
  return (
    (agreement !== null && agreement < LOW_AGREEMENT) ||
    differences.some(({ kind, ours, theirs }) => kind === 'number' && ours !== '' && theirs !== '')
  )
}

/** The attempts are those of the request's own model, though another one may have written the text in the end. */
function sampleOf(
  result: PageResult,
  reasons: readonly string[],
  attempts: readonly AttemptSeen[],
  { model, task, prompt }: Pick<OcrRequest, 'model' | 'task' | 'prompt'>,
): NewSample {
  const images: PageImage[] = [...new Set(attempts.map(({ image }) => image))]
  const { profile } = model
  return {
    facts: {
      reasons,
      status: result.status,
      model: model.id,
      ...(result.model === undefined ? {} : { textModel: result.model }),
      root: model.root,
      profile: profile.id,
      profileVersion: profile.version,
      task,
      prompt,
      finishReason: result.finishReason,
      agreement: result.agreement,
      confidence: result.confidence?.mean ?? null,
      warnings: result.warnings.map(({ code }) => code),
      // Another model may have seen the page whole, of which this one has read tiles.
      isTiled: result.model === undefined ? result.isTiled : images.some((image) => 'above' in image),
      attempts: attempts.map(({ image, reason, text, sampling }) => ({
        image: images.indexOf(image),
        reason,
        text,
        sampling: { ...sampling },
      })),
      text: result.text,
      textLayer: images.find(({ textLayer }) => textLayer !== null)?.textLayer?.text ?? null,
      images: images.map(({ mediaType, width, height, data }) => ({ mediaType, width, height, bytes: data.length })),
    },
    images: images.map(({ data }) => data),
  }
}
