// What the build puts into the code: the target, the API's address, and files that are not TypeScript.
/// <reference types="@tarojs/taro" />

declare module '*.scss'
declare module '*.png'
declare module '*.css'

declare namespace NodeJS {
  interface ProcessEnv {
    TARO_ENV: 'weapp' | 'h5'
    NODE_ENV: 'development' | 'production'
  }
}

/** Empty in the web build: there the API is at the page's own origin. */
declare const API_URL: string

declare module 'sm-crypto/src/sm3' {
  /** SM3, or HMAC-SM3 when a key is given; bytes in, hexadecimal out. */
  export default function sm3(input: number[], options?: { mode?: 'hmac'; key: number[] }): string
}
