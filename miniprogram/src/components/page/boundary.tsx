// What is shown instead of a blank page when drawing one fails.
import { Component, type PropsWithChildren, type ReactNode } from 'react'
import { clientError } from '../../utils/apiError'
import { Failed } from '../states'

interface State {
  broken: boolean
}

export class Boundary extends Component<PropsWithChildren, State> {
  override state: State = { broken: false }

  static getDerivedStateFromError(): State {
    return { broken: true }
  }

  private readonly again = (): void => {
    this.setState({ broken: false })
  }

  override render(): ReactNode {
    if (this.state.broken) return <Failed error={clientError('UNEXPECTED')} onRetry={this.again} />
    return this.props.children
  }
}
