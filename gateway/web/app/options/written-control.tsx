import type { VNode } from 'preact'
import { useState } from 'preact/hooks'
import type { Field } from './fields.ts'
import type { ControlProps } from './option-field.tsx'
import { isSame, readJson, readList, readNumber, readText, type Read } from './read-value.ts'

type Written = Extract<Field, { readonly kind: 'number' | 'text' | 'lines' | 'secret' | 'list' | 'json' }>

interface Props extends ControlProps<Written> {
  readonly helpId: string | undefined
}

/** A control that is written into. What is wrong with it is said beside it, and is not sent. */
export function WrittenControl({ id, field, value, onChange, helpId }: Props): VNode {
  const [draft, setDraft] = useState({ text: textOf(field, value), sent: value })
  // A value that came from elsewhere replaces what was written.
  const text = isSame(draft.sent, value) ? draft.text : textOf(field, value)
  const read = readWritten(field, text)
  const problem = 'problem' in read ? read.problem : null
  const write = (next: string): void => {
    const result = readWritten(field, next)
    const read = 'problem' in result ? undefined : result.value
    const sent = isSame(read, field.preset) ? undefined : read
    setDraft({ text: next, sent })
    onChange(sent)
  }
  const shared = {
    id,
    value: text,
    placeholder: field.kind === 'lines' ? field.hint.replaceAll('\n', '↵ ') : field.hint,
    'aria-invalid': problem !== null,
    'aria-describedby': [problem === null ? undefined : `${id}-problem`, helpId].filter(Boolean).join(' ') || undefined,
    onInput: (event: Event) => write((event.currentTarget as HTMLInputElement).value),
  }
  return (
    <>
      {control(field, shared)}
      {problem !== null && (
        <p class="option-problem" id={`${id}-problem`} role="alert">
          {problem}
        </p>
      )}
    </>
  )
}

function control({ kind }: Written, shared: object): VNode {
  switch (kind) {
    case 'number':
      return <input type="text" inputMode="decimal" {...shared} />
    case 'secret':
      return <input type="password" autocomplete="off" spellcheck={false} {...shared} />
    case 'text':
      return <input type="text" dir="auto" spellcheck={false} {...shared} />
    default:
      return <textarea rows={kind === 'lines' ? 2 : 4} dir="auto" spellcheck={false} {...shared} />
  }
}

function readWritten(field: Written, text: string): Read {
  switch (field.kind) {
    case 'number':
      return readNumber(text, field.schema)
    case 'list':
      return readList(text, field.schema)
    case 'json':
      return readJson(text, field.schema)
    default:
      return readText(text, field.schema)
  }
}

function textOf({ kind }: Written, value: unknown): string {
  if (value === undefined || value === null) return ''
  if (kind === 'list') return Array.isArray(value) ? value.join('\n') : ''
  if (kind === 'json') return JSON.stringify(value, null, 2)
  return typeof value === 'string' || typeof value === 'number' ? String(value) : ''
}
