// What a failed call looks like to pages: a code they can test and a sentence they can show.
import { clientErrors, errorText } from '../texts/errors'

/** Failures that happen before any answer arrives. */
export type ClientCode = keyof typeof clientErrors

export class ApiError extends Error {
  constructor(
    readonly code: string,
    readonly status: number,
    message: string,
    readonly data: Record<string, unknown> = {},
    readonly requestId = '',
  ) {
    super(message)
    this.name = 'ApiError'
  }

  /** Nobody knows whether the server did it: the same intent may be tried again. */
  get isUndecided(): boolean {
    return this.status === 0 || this.status >= 500
  }

  /** The phone could not reach the city at all. */
  get isOffline(): boolean {
    return this.code === 'NETWORK' || this.code === 'TIMEOUT'
  }
}

interface ErrorBody {
  error?: { code?: string; message?: string; data?: Record<string, unknown>; request_id?: string }
}

/** The error in an answer, also when something between phone and server answered. */
export function errorFromAnswer(status: number, body: unknown): ApiError {
  const error = (body && typeof body === 'object' ? (body as ErrorBody).error : undefined) ?? {}
  const code = error.code ?? (status >= 500 ? 'SERVER_AWAY' : 'BAD_ANSWER')
  const data = error.data ?? {}
  return new ApiError(code, status, errorText(code, error.message, data), data, error.request_id)
}

/** The error for a failure on the phone's side of the network. */
export function clientError(code: ClientCode): ApiError {
  return new ApiError(code, 0, clientErrors[code])
}

/** Anything thrown, as an ApiError. */
export function toApiError(thrown: unknown): ApiError {
  return thrown instanceof ApiError ? thrown : clientError('UNEXPECTED')
}
