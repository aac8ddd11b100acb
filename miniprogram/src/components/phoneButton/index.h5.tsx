// The web app has no such button: there the number is checked by SMS.
import type { PhoneButtonProps } from './index'

export function PhoneButton(_props: PhoneButtonProps): null {
  return null
}
