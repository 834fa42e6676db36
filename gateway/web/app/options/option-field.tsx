import type { VNode } from 'preact'
import { useState } from 'preact/hooks'
import { labelOf, type Field } from './fields.ts'
import { isSame, withMember } from './read-value.ts'
import { WrittenControl } from './written-control.tsx'

type Members = Record<string, unknown>

interface FieldsProps {
  readonly id: string
  readonly fields: readonly Field[]
  readonly value: Members
  readonly onChange: (value: Members) => void
}

/** The controls of an object's members. */
export function OptionFields({ id, fields, value, onChange }: FieldsProps): VNode {
  return (
    <>
      {fields.map((field) => (
        <OptionField
          key={field.name}
          id={`${id}-${field.name}`}
          field={field}
          value={value[field.name]}
          onChange={(member) => onChange(withMember(value, field, member))}
        />
      ))}
    </>
  )
}

/** What a control gets; undefined is "nothing said". */
export interface ControlProps<Kind extends Field = Field> {
  readonly id: string
  readonly field: Kind
  readonly value: unknown
  readonly onChange: (value: unknown) => void
}

type Of<Kind extends Field['kind']> = Extract<Field, { readonly kind: Kind }>

interface OptionFieldProps extends ControlProps {
  /** Where something before it says what it is. */
  readonly isLabelUnseen?: boolean
}

function OptionField({ id, field, value, onChange, isLabelUnseen = false }: OptionFieldProps): VNode {
  const helpId = field.help === '' ? undefined : `${id}-help`
  const help = helpId !== undefined && (
    <p class="option-help" id={helpId}>
      {field.help}
    </p>
  )
  if (field.kind === 'group' || field.kind === 'several' || field.kind === 'either') {
    return (
      <fieldset class="option option-group" aria-describedby={helpId}>
        <legend>{field.label}</legend>
        {help}
        <Parts id={id} field={field} value={value} onChange={onChange} />
      </fieldset>
    )
  }
  if (field.kind === 'switch') {
    return (
      <div class="option option-switch">
        <input
          type="checkbox"
          id={id}
          checked={(value ?? field.preset) === true}
          aria-describedby={helpId}
          onChange={(event) => onChange(event.currentTarget.checked)}
        />
        <label for={id}>{field.label}</label>
        {help}
      </div>
    )
  }
  return (
    <div class="option">
      <label for={id} class={isLabelUnseen ? 'unseen' : ''}>
        {field.label}
      </label>
      {field.kind === 'choice' ? (
        <Choice id={id} field={field} value={value} onChange={onChange} helpId={helpId} />
      ) : (
        <WrittenControl id={id} field={field} value={value} onChange={onChange} helpId={helpId} />
      )}
      {help}
    </div>
  )
}

function Parts({ id, field, value, onChange }: ControlProps<Of<'group' | 'several' | 'either'>>): VNode {
  if (field.kind === 'several') return <Several id={id} field={field} value={value} onChange={onChange} />
  if (field.kind === 'either') return <Either id={id} field={field} value={value} onChange={onChange} />
  const members = typeof value === 'object' && value !== null ? (value as Members) : {}
  return <OptionFields id={id} fields={field.fields} value={members} onChange={onChange} />
}

/** A value as a reader sees it. */
function wordsOf(value: unknown): string {
  if (value === true) return 'Yes'
  if (value === false) return 'No'
  return typeof value === 'string' ? labelOf(value) : JSON.stringify(value)
}

interface ChoiceProps extends ControlProps<Of<'choice'>> {
  readonly helpId: string | undefined
}

function Choice({ id, field: { values, preset }, value, onChange, helpId }: ChoiceProps): VNode {
  const current = values.findIndex((each) => isSame(each, value ?? preset))
  return (
    <select
      id={id}
      aria-describedby={helpId}
      value={String(current)}
      onChange={(event) => onChange(values[Number(event.currentTarget.value)])}
    >
      {preset === undefined && <option value="-1">Not set</option>}
      {values.map((each, index) => (
        <option key={index} value={String(index)}>
          {wordsOf(each)}
          {isSame(each, preset) ? ' (default)' : ''}
        </option>
      ))}
    </select>
  )
}

function Several({ id, field: { values, preset }, value, onChange }: ControlProps<Of<'several'>>): VNode {
  const chosen = Array.isArray(value) ? (value as unknown[]) : Array.isArray(preset) ? (preset as unknown[]) : []
  const choose = (each: unknown, isChosen: boolean): void =>
    onChange(values.filter((other) => (isSame(other, each) ? isChosen : chosen.some((one) => isSame(one, other)))))
  return (
    <>
      {values.map((each, index) => (
        <div class="option-switch" key={index}>
          <input
            type="checkbox"
            id={`${id}-${index}`}
            checked={chosen.some((one) => isSame(one, each))}
            onChange={(event) => choose(each, event.currentTarget.checked)}
          />
          <label for={`${id}-${index}`}>{wordsOf(each)}</label>
        </div>
      ))}
    </>
  )
}

/** Which of a union's forms a value has; the first for none. */
function formOf(forms: readonly Field[], value: unknown): number {
  const fits = ({ kind }: Field): boolean => {
    if (Array.isArray(value)) return kind === 'list' || kind === 'several'
    if (typeof value === 'object') return kind === 'group' || kind === 'json'
    if (typeof value === 'boolean') return kind === 'switch' || kind === 'choice'
    if (typeof value === 'number') return kind === 'number' || kind === 'choice'
    return kind === 'text' || kind === 'lines' || kind === 'secret' || kind === 'choice'
  }
  return value === undefined || value === null ? 0 : Math.max(0, forms.findIndex(fits))
}

function Either({ id, field: { forms, label }, value, onChange }: ControlProps<Of<'either'>>): VNode {
  const [chosen, setChosen] = useState(() => formOf(forms, value))
  // A value that came from elsewhere shows the form that it has.
  const shown = value === undefined || isOfForm(forms[chosen], forms, value) ? chosen : formOf(forms, value)
  const form = forms[shown]
  const choose = (index: number): void => {
    setChosen(index)
    onChange(undefined)
  }
  return (
    <>
      <div class="option-forms" role="group" aria-label={`How ${label.toLowerCase()} are given`}>
        {forms.map((each, index) => (
          <label key={index}>
            <input type="radio" name={id} checked={index === shown} onChange={() => choose(index)} />
            {each.label}
          </label>
        ))}
      </div>
      {form !== undefined && (
        <OptionField isLabelUnseen key={shown} id={`${id}-${shown}`} field={form} value={value} onChange={onChange} />
      )}
    </>
  )
}

const isOfForm = (form: Field | undefined, forms: readonly Field[], value: unknown): boolean =>
  form !== undefined && forms[formOf(forms, value)]?.kind === form.kind
