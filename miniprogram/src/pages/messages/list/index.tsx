// What the city has told me; opening one marks it read.
import { Text, View } from '@tarojs/components'
import { useState } from 'react'
import { Button } from '../../../components/button'
import { Guard } from '../../../components/guard'
import { Page } from '../../../components/page'
import { Press } from '../../../components/press'
import { Empty, LoadedList } from '../../../components/states'
import { useLoad } from '../../../hooks/useLoad'
import { usePages } from '../../../hooks/usePages'
import { allowTexts, listMessages, listOptOuts, markRead } from '../../../services/messages'
import type { Message, MessageGroup } from '../../../services/types'
import { deliveryChannelNames, deliveryStateNames, messages as t, pageTitles } from '../../../texts'
import { toApiError } from '../../../utils/apiError'
import { now } from '../../../utils/clock'
import { go, routes } from '../../../utils/navigate'
import { toast } from '../../../utils/platform'
import { formatInstant } from '../../../utils/time'
import './index.scss'

function deliveriesOf(message: Message): string {
  return message.deliveries
    .filter(({ state }) => state !== 'skipped')
    .map(({ channel, state }) => `${deliveryChannelNames[channel] ?? channel}${deliveryStateNames[state] ?? ''}`)
    .join('，')
}

/** The page that a message is about. */
function placeOf(message: Message): string | undefined {
  if (message.appointment_id) return routes.appointment(message.appointment_id)
  if (message.kind === 'birth_filing') return routes.births()
  return message.kind.startsWith('referral') ? routes.referrals() : undefined
}

function MessageCard({ message, open, onOpen }: { message: Message; open: boolean; onOpen: () => void }) {
  const to = placeOf(message)
  const see = (): void => {
    if (to) go(to)
  }
  return (
    <View className="message">
      <Press className="message__main" onPress={onOpen} testId="message-item">
        <View className="message__top">
          {message.read_at ? null : <View className="message__dot" aria-label={t.unread} />}
          <Text className="message__title">{message.title}</Text>
        </View>
        <Text className="message__at">{formatInstant(message.created_at)}</Text>
        <Text className={`message__body ${open ? '' : 'message__body--short'}`}>{message.body}</Text>
      </Press>
      {open ? (
        <View className="message__more">
          <Text className="message__deliveries">{deliveriesOf(message)}</Text>
          {to ? <Button kind="plain" small text={t.view} onPress={see} testId="message-view" /> : null}
        </View>
      ) : null}
    </View>
  )
}

/** Texts that were stopped, by answering T or here; nothing is shown while none are. */
function Stopped() {
  const stopped = useLoad('opt-outs', listOptOuts, true)
  const allow = (group: MessageGroup): void => {
    allowTexts(group)
      .then(() => {
        toast(t.allowed)
        stopped.put({ items: (stopped.data?.items ?? []).filter((one) => one.group !== group) })
      })
      .catch((thrown: unknown) => {
        toast(toApiError(thrown).message)
      })
  }
  return (
    <>
      {(stopped.data?.items ?? []).map(({ group }) => (
        <View className="stopped" key={group}>
          <Text className="stopped__text">{t.stopped(t.groups[group])}</Text>
          <Button
            kind="plain" small text={t.allow} testId="texts-allow"
            onPress={() => {
              allow(group)
            }}
          />
        </View>
      ))}
    </>
  )
}

function Messages() {
  const list = usePages('messages', listMessages)
  const [opened, setOpened] = useState<string>()
  const open = (message: Message): void => {
    setOpened(opened === message.id ? undefined : message.id)
    if (message.read_at) return
    list.change((one) => (one.id === message.id ? { ...one, read_at: new Date(now()).toISOString() } : one))
    // Only a mark: should it not arrive, the next opening sets it.
    markRead(message.id).catch(() => undefined)
  }
  return (
    <>
    <Stopped />
    <LoadedList of={list} empty={<Empty icon="message" text={t.empty} hint={t.emptyHint} />}>
      {(items) => items.map((message) => (
        <MessageCard
          message={message} open={message.id === opened} key={message.id}
          onOpen={() => {
            open(message)
          }}
        />
      ))}
    </LoadedList>
    </>
  )
}

export default function MessagesPage() {
  return (
    <Page title={pageTitles.messages}>
      <Guard>{() => <Messages />}</Guard>
    </Page>
  )
}
