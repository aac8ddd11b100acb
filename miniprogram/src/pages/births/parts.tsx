// What the pages about a newborn share: who the baby is, what is in the way, what is there already.
import { Text, View } from '@tarojs/components'
import type { ReactNode } from 'react'
import { Tag } from '../../components/tag'
import type { Birth, Material, Problem } from '../../services/births'
import { births as t, check, form } from '../../texts/births'
import { cityDate, formatDate, formatTime } from '../../utils/time'
import './parts.scss'

/** 女宝宝 3.20公斤 */
export function babyName({ sex, weight_g: grams, order, of }: Birth): string {
  return [t.baby[sex], grams ? t.weight(grams) : '', of > 1 ? t.twin(order, of) : ''].filter(Boolean).join(' ')
}

export function bornWords({ born_at: at }: Birth): string {
  return t.born(formatDate(cityDate(at)), formatTime(at))
}

export function Card({ title, children }: { title?: string; children: ReactNode }) {
  return (
    <View className="birth__card">
      {title ? <Text className="birth__heading">{title}</Text> : null}
      {children}
    </View>
  )
}

/** What is in the way, and what to do about it. */
export function Problems({ problems }: { problems: Problem[] }) {
  return (
    <>
      {problems.map((one) => (
        <View className={`problem problem--${one.kind}`} key={`${one.code}/${one.step}/${one.field}`} role="note" data-testid={`problem-${one.code}`}>
          <Text className="problem__text">{one.text}</Text>
          {one.what_to_do ? <Text className="problem__do">{one.what_to_do}</Text> : null}
        </View>
      ))}
    </>
  )
}

/** One material: there already, to be photographed, or made on the way. */
export function MaterialRow({ material, children }: { material: Material; children?: ReactNode }) {
  const { name, source, state, file_ids: files } = material
  const taken = files.length > 0
  const made = source === 'produced'
  const word = made ? form.made : taken ? form.uploaded : state === 'present' ? form.present : form.wanted
  // Where the photo can be taken at once, the button says it.
  const hint = state === 'wanted' && !children ? check.missing : ''
  return (
    <View className="material" data-testid={`material-${material.kind}`} data-state={state}>
      <View className="material__top">
        <Text className="material__name">{name}</Text>
        <Tag text={word} tone={state === 'present' || made ? 'good' : 'wait'} />
      </View>
      {hint ? <Text className="birth__note">{hint}</Text> : null}
      {children}
    </View>
  )
}
