import { amount } from './amount.ts'
import { cnId, cnUscc } from './chinese-numbers.ts'
import { date, dateTime } from './date.ts'
import { iban } from './iban.ts'
import { vatId } from './vat-id.ts'
import { invalid, doubtful, right, type Format, type Verdict } from './verdict.ts'

/** The formats whose values are checked, as a schema's `format` names them. Others pass. */
export const formats: Readonly<Record<string, Format>> = {
  iban,
  'vat-id': vatId,
  'invoice-number': invoiceNumber,
  date,
  'date-time': dateTime,
  amount,
  'cn-id': cnId,
  'cn-uscc': cnUscc,
  email,
  uri,
}

/** Longer values are not looked at. */
const MAX_LENGTH = 1000

/** Checks a value; null where the format is none of these. */
export function checkFormat(format: unknown, text: string): Verdict | null {
  if (typeof format !== 'string' || !Object.hasOwn(formats, format)) return null
  if (text.length > MAX_LENGTH) return invalid(`it has more than ${MAX_LENGTH} characters`)
  return formats[format]?.(text) ?? null
}

/** Checks what can be known of a number that its sender makes up; the schema's `pattern` says more. */
function invoiceNumber(text: string): Verdict {
  const written = text.trim()
  if (written.length > 50 || /[\r\n]/.test(written)) return invalid('it is too long for the number of an invoice')
  if (!/\p{N}/u.test(written)) return doubtful('it has no digit', written)
  return /^[\p{L}\p{N} ._#/\\:-]+$/u.test(written)
    ? right(written)
    : doubtful('it has signs that numbers of invoices do not have', written)
}

/** RFC 5321 bounds the lengths; quoted names are not known. */
function email(text: string): Verdict {
  const written = text.trim()
  const [name = '', domain = '', ...more] = written.split('@')
  const labels = domain.split('.')
  const isName = /^[^\s@"<>()[\],;:\\]{1,64}$/.test(name) && !name.startsWith('.') && !name.endsWith('.')
  const isDomain =
    labels.length > 1 &&
    domain.length <= 253 &&
    labels.every((label) => /^[\p{L}\p{N}](?:[\p{L}\p{N}-]{0,61}[\p{L}\p{N}])?$/u.test(label))
  return more.length === 0 && isName && isDomain
    ? right(`${name}@${domain.toLowerCase()}`)
    : invalid('it is no address of mail')
}

function uri(text: string): Verdict {
  const written = text.trim()
  if (!/^[a-z][a-z\d+.-]*:[^\s<>"{}|\\^`]+$/i.test(written) || !URL.canParse(written)) {
    return invalid('it is no URI: a scheme such as https: and what follows')
  }
  return right(written)
}
