/** What the gateway uses of WebAssembly: TypeScript declares it only together with a browser's DOM. */
declare namespace WebAssembly {
  interface Module {
    readonly [Symbol.toStringTag]: string
  }

  const Module: new (bytes: Uint8Array) => Module

  class Instance {
    constructor(module: Module, imports?: object)
    readonly exports: Readonly<Record<string, unknown>>
  }

  class Memory {
    readonly buffer: ArrayBuffer
    grow(pages: number): number
  }

  function validate(module: Uint8Array): boolean
  function compile(module: Uint8Array): Promise<Module>
  function instantiate(module: Uint8Array, imports: object): Promise<{ readonly instance: Instance }>
}
