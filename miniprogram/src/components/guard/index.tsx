// Asks for what a page needs first: signing in, or the real name.
import type { ReactNode } from 'react'
import { useMe } from '../../hooks/useMe'
import type { Me } from '../../services/types'
import { common } from '../../texts'
import { go, goSignIn, routes } from '../../utils/navigate'
import { Button } from '../button'
import { Empty } from '../states'

interface GuardProps {
  realName?: boolean
  children: (me: Me) => ReactNode
}

export function Guard({ realName = false, children }: GuardProps) {
  const me = useMe()
  if (!me) {
    const action = <Button text={common.signIn} onPress={goSignIn} testId="go-sign-in" />
    return <Empty icon="person" text={common.signInFirst} hint={common.signInHint} action={action} />
  }
  if (realName && !me.real_name) {
    const onPress = (): void => {
      go(routes.realname())
    }
    const action = <Button text={common.goRealName} onPress={onPress} testId="go-realname" />
    return <Empty icon="shield" text={common.realNameFirst} hint={common.realNameHint} action={action} />
  }
  return <>{children(me)}</>
}
