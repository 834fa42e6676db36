import { bare, doubtful, invalid, right, type Verdict } from './verdict.ts'

/** Length by country: SWIFT's IBAN Registry, release 99 (https://www.swift.com/standards/data-standards/iban). */
const LENGTHS: Readonly<Record<string, number>> = Object.fromEntries(
  (
    'AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BI27 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DJ27 DK18 DO28 EE20 EG29 ES24 ' +
    'FI18 FK18 FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HN28 HR21 HU28 IE22 IL23 IQ23 IS26 IT27 JO30 KW30 KZ20 LB28 LC32 ' +
    'LI21 LT20 LU20 LV21 LY25 MC27 MD24 ME22 MK19 MN20 MR27 MT31 MU30 NI28 NL18 NO15 OM23 PK24 PL28 PS29 PT25 QA29 RO24 ' +
    'RS22 RU33 SA24 SC31 SD18 SE24 SI19 SK24 SM27 SO23 ST25 SV28 TL23 TN24 TR26 UA29 VA22 VG24 XK20 YE30'
  )
    .split(' ')
    .map((entry) => [entry.slice(0, 2), Number(entry.slice(2))]),
)

/** Checks an IBAN: the length of its country, and the two check digits (ISO 13616, ISO 7064 MOD 97-10). */
export function iban(text: string): Verdict {
  const code = bare(text.trim().replace(/^IBAN\b:?/i, ''))
  if (!/^[A-Z]{2}\d{2}[A-Z\d]{6,30}$/.test(code)) return invalid('it is no IBAN: two letters, two digits, the account')
  const length = Object.hasOwn(LENGTHS, code.slice(0, 2)) ? LENGTHS[code.slice(0, 2)] : undefined
  if (length !== undefined && code.length !== length) {
    return invalid(`an IBAN of ${code.slice(0, 2)} has ${length} characters, and this one has ${code.length}`)
  }
  if (remainder97(code.slice(4) + code.slice(0, 4)) !== 1) return invalid('its check digits do not match')
  return length === undefined ? doubtful(`no country has IBANs that begin with ${code.slice(0, 2)}`, code) : right(code)
}

/** Returns what is left of a number modulo 97, whose letters stand for 10 to 35. */
export function remainder97(code: string): number {
  let rest = 0
  for (const character of code) {
    const value = Number.parseInt(character, 36)
    rest = (rest * (value > 9 ? 100 : 10) + value) % 97
  }
  return rest
}
