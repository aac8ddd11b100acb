// What residents are told of a hospital.
import type { Organization } from '../services/types'

/** The national code of a place that is not graded: a word for it would only puzzle. */
const UNGRADED = '9'

/** The grade, where there is one. */
export function gradeOf({ level, level_name: name }: Organization): string {
  return level === UNGRADED ? '' : name
}
