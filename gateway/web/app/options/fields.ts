import type { JsonSchema } from './json-schema.ts'

interface Common {
  /** As the request has it. */
  readonly name: string
  readonly label: string
  readonly help: string
  /** What holds where nothing is said; undefined: the schema does not say. */
  readonly preset: unknown
}

/** One control of the form. */
export type Field =
  /** One of a few values. A boolean whose default is not known is a choice, too. */
  | (Common & { readonly kind: 'choice'; readonly values: readonly unknown[] })
  | (Common & { readonly kind: 'switch' })
  | (Common & {
      readonly kind: 'number' | 'text' | 'lines' | 'secret'
      readonly schema: JsonSchema
      readonly hint: string
    })
  /** Some of a few values. */
  | (Common & { readonly kind: 'several'; readonly values: readonly unknown[] })
  /** A text for each line. */
  | (Common & { readonly kind: 'list'; readonly schema: JsonSchema; readonly hint: string })
  | (Common & { readonly kind: 'group'; readonly fields: readonly Field[] })
  /** One of several forms. */
  | (Common & { readonly kind: 'either'; readonly forms: readonly Field[] })
  /** What has no form of its own is written as JSON. */
  | (Common & { readonly kind: 'json'; readonly schema: JsonSchema; readonly hint: string })

/** Turns the schema of an object into fields, one for each of its properties. */
export function fieldsOf(schema: JsonSchema, hidden: readonly string[] = []): Field[] {
  return Object.entries(resolved(schema, schema).properties ?? {})
    .filter(([name]) => !hidden.includes(name))
    .map(([name, property]) => fieldOf(name, property, schema))
}

function fieldOf(name: string, given: JsonSchema, root: JsonSchema): Field {
  const schema = resolved(given, root)
  const common: Common = {
    name,
    label: schema.title ?? labelOf(name),
    help: schema.description ?? '',
    preset: schema.default,
  }
  const values = valuesOf(schema)
  if (values !== null) return { ...common, kind: 'choice', values }
  const forms = (schema.anyOf ?? schema.oneOf)?.filter(({ type }) => type !== 'null')
  if (forms?.length === 1) return fieldOf(name, { ...schema, anyOf: undefined!, oneOf: undefined!, ...forms[0] }, root)
  if (forms !== undefined) {
    const fields = forms.map((form) => fieldOf(name, form, root))
    return { ...common, kind: 'either', forms: fields.map((field) => ({ ...field, label: formLabel(field) })) }
  }
  return typedField(common, schema, root)
}

function typedField(common: Common, schema: JsonSchema, root: JsonSchema): Field {
  const hint = hintOf(schema)
  const type = typeof schema.type === 'string' ? schema.type : schema.type?.find((each) => each !== 'null')
  switch (type) {
    case 'boolean':
      return typeof schema.default === 'boolean'
        ? { ...common, kind: 'switch' }
        : { ...common, kind: 'choice', values: [true, false] }
    case 'number':
    case 'integer':
      return { ...common, kind: 'number', schema, hint }
    case 'string':
      return { ...common, kind: textKind(common.name, schema), schema, hint }
    case 'array': {
      const items = typeof schema.items === 'object' ? resolved(schema.items, root) : {}
      const values = valuesOf(items)
      if (values !== null) return { ...common, kind: 'several', values }
      return { ...common, kind: items.type === 'string' ? 'list' : 'json', schema, hint }
    }
    case 'object':
      if (schema.properties === undefined) return { ...common, kind: 'json', schema, hint }
      return {
        ...common,
        kind: 'group',
        fields: Object.entries(schema.properties).map(([name, property]) => fieldOf(name, property, root)),
      }
    default:
      return { ...common, kind: 'json', schema, hint }
  }
}

function textKind(name: string, { format, default: preset }: JsonSchema): 'text' | 'lines' | 'secret' {
  if (format === 'password' || name === 'password') return 'secret'
  return typeof preset === 'string' && preset.includes('\n') ? 'lines' : 'text'
}

/** The values that a schema lists; null: it lists none. */
function valuesOf(schema: JsonSchema): readonly unknown[] | null {
  if (schema.const !== undefined) return [schema.const]
  if (schema.enum !== undefined) return schema.enum
  const forms = schema.anyOf ?? schema.oneOf
  if (forms === undefined || forms.length === 0 || !forms.every((form) => form.const !== undefined)) return null
  return forms.map((form) => form.const)
}

/** Follows references within the schema, a few steps far. */
function resolved(schema: JsonSchema, root: JsonSchema, steps = 8): JsonSchema {
  const name = /^#\/\$defs\/(?<name>[^/]+)$/.exec(schema.$ref ?? '')?.groups?.['name']
  const target = name === undefined ? undefined : root.$defs?.[decodeURIComponent(name)]
  const whole = target === undefined || steps === 0 ? schema : { ...resolved(target, root, steps - 1), ...schema }
  return (whole.allOf ?? []).reduce<JsonSchema>((sum, part) => ({ ...resolved(part, root, steps - 1), ...sum }), whole)
}

/** "page_separator" to "Page separator". */
export function labelOf(name: string): string {
  const words = name.replaceAll(/[_-]+/g, ' ').trim()
  return words.charAt(0).toUpperCase() + words.slice(1)
}

function formLabel({ name, label, kind }: Field): string {
  if (label !== labelOf(name)) return label
  const labels: Partial<Record<Field['kind'], string>> = {
    list: 'A list',
    json: 'JSON',
    switch: 'Yes or no',
    group: 'In detail',
  }
  return labels[kind] ?? labelOf(kind)
}

/** What is in an empty control: the default, or an example. */
function hintOf({ default: preset, examples }: JsonSchema): string {
  const shown = preset ?? examples?.[0]
  if (shown === undefined) return ''
  const isLines = Array.isArray(shown) && shown.every((line) => typeof line === 'string')
  const text = typeof shown === 'string' ? shown : isLines ? shown.join('\n') : JSON.stringify(shown)
  return preset === undefined && !isLines ? `such as ${text}` : text
}
