import { createHash } from 'node:crypto'
import { parentPort } from 'node:worker_threads'
import { Ajv } from 'ajv'
import type { AnySchemaObject, ErrorObject, Options, ValidateFunction } from 'ajv'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { LRUCache } from 'lru-cache'
import { checkFormat, formats } from './formats/formats.ts'
import { pointerStep } from './read-object.ts'
import type { SchemaAnswer, SchemaProblem, SchemaTask } from './schema-thread.ts'

/*
 * The entry of the thread in which schemas are compiled, and answers held against them. A client's schema may take for ever,
 * by its patterns and by its references; then the thread is ended.
 */

const MAX_PROBLEMS = 100
const MAX_COMPILED = 100

const options: Options = {
  strict: false,
  allErrors: true,
  logger: false,
  formats: Object.fromEntries(
    Object.keys(formats).map((name) => [name, (text: string) => checkFormat(name, text)?.status !== 'invalid']),
  ),
}

const compiled = new LRUCache<string, ValidateFunction>({ max: MAX_COMPILED })

function compile(text: string): ValidateFunction {
  const key = createHash('sha256').update(text).digest('hex')
  const known = compiled.get(key)
  if (known !== undefined) return known
  const { $schema, $async: _, ...schema } = JSON.parse(text) as AnySchemaObject
  const isOld = typeof $schema === 'string' && /draft-0[4-7]/.test($schema)
  // One for each schema: what one defines must not be found by another.
  const ajv = isOld ? new Ajv(options) : new Ajv2020(options)
  const validate = ajv.compile(schema)
  compiled.set(key, validate)
  return validate
}

function answer({ schema, value }: SchemaTask): SchemaAnswer {
  let validate: ValidateFunction
  try {
    validate = compile(schema)
  } catch (error) {
    return { kind: 'no schema', message: error instanceof Error ? error.message : 'it cannot be compiled' }
  }
  if (value === null) return { kind: 'checked', problems: [] }
  try {
    validate(JSON.parse(value))
  } catch {
    // A schema that refers to itself for one and the same value has no end.
    return { kind: 'late' }
  }
  return { kind: 'checked', problems: (validate.errors ?? []).slice(0, MAX_PROBLEMS).map(problemOf) }
}

function problemOf({ instancePath, keyword, message, params }: ErrorObject): SchemaProblem {
  const missing = (params as Readonly<Record<string, unknown>>)['missingProperty']
  const pointer = keyword === 'required' ? instancePath + pointerStep(String(missing)) : instancePath
  return { pointer, keyword, message: message ?? 'it does not fit the schema' }
}

const port = parentPort
if (port === null) throw new Error('fields/schema-worker.ts runs as a worker thread only')
port.on('message', (task: SchemaTask) => port.postMessage(answer(task)))
port.postMessage('ready')
