import './options-form.css'
import type { VNode } from 'preact'
import { useId, useMemo } from 'preact/hooks'
import { fieldsOf } from './fields.ts'
import type { JsonSchema } from './json-schema.ts'
import { OptionFields } from './option-field.tsx'

/** What has no meaning where somebody looks at the pages, or what the screen asks for by itself. */
const NOT_FOR_SCREENS = ['preview', 'dry_run', 'documents', 'on_deadline']

interface Props {
  /** That of the `ocr` object. */
  readonly schema: JsonSchema
  /** Only what differs from the default. */
  readonly value: Record<string, unknown>
  readonly onChange: (value: Record<string, unknown>) => void
  readonly isDisabled: boolean
  /** Options that the form does not have. */
  readonly hidden?: readonly string[]
}

/** A form for the `ocr` object, made from its JSON Schema. */
export function OptionsForm({ schema, value, onChange, isDisabled, hidden = NOT_FOR_SCREENS }: Props): VNode {
  const id = useId()
  const fields = useMemo(() => fieldsOf(schema, hidden), [schema, hidden])
  return (
    <form class="options" autocomplete="off" onSubmit={(event) => event.preventDefault()}>
      <fieldset disabled={isDisabled}>
        <legend class="unseen">Options</legend>
        <OptionFields id={id} fields={fields} value={value} onChange={onChange} />
      </fieldset>
    </form>
  )
}
