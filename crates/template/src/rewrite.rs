//! Puts our value layer under the engine by rewriting a template's syntax tree before it runs:
//!
//! - `.A.B`, `$x.A`, `(f x).A` become `__get`, which knows methods, structs, times and missing names;
//! - `.Method arg` and `x | .Method` become `__call`;
//! - `coll.Dict` and its like, functions of a namespace, become one function of that name;
//! - what an action prints goes through `__print`, which prints numbers and times as Go does;
//! - before each action `__line` notes where we are, so that an error can name its line.
//!
//! It also refuses what Go refuses when it reads a template: functions and variables that nobody has defined.

use gotmpl::parse::{ActionNode, BranchNode, CommandNode, Expr, ListNode, Node, Number, PipeNode, Pos, SmolStr};

use crate::TemplateError;

/// Rewrites one template body.
pub(crate) struct Rewriter<'a> {
    pub template: &'a str,
    pub is_function: &'a dyn Fn(&str) -> bool,
    /// Templates that the body calls, with the line.
    pub calls: Vec<(String, usize)>,
    variables: Vec<SmolStr>,
}

impl<'a> Rewriter<'a> {
    pub fn new(template: &'a str, is_function: &'a dyn Fn(&str) -> bool) -> Rewriter<'a> {
        Rewriter { template, is_function, calls: Vec::new(), variables: vec!["$".into()] }
    }

    pub fn list(&mut self, list: ListNode) -> Result<ListNode, TemplateError> {
        let depth = self.variables.len();
        let list = self.list_in_scope(list);
        self.variables.truncate(depth);
        list
    }

    fn list_in_scope(&mut self, list: ListNode) -> Result<ListNode, TemplateError> {
        let mut nodes = Vec::with_capacity(list.nodes.len());
        for node in list.nodes {
            match node {
                Node::Action(action) => {
                    nodes.push(self.line(action.pos));
                    nodes.push(Node::Action(self.action(action)?));
                }
                Node::If(branch) => {
                    nodes.push(self.line(branch.pos));
                    nodes.push(Node::If(self.branch(branch)?));
                }
                Node::Range(branch) => {
                    nodes.push(self.line(branch.pos));
                    nodes.push(Node::Range(self.branch(branch)?));
                }
                Node::With(branch) => {
                    nodes.push(self.line(branch.pos));
                    nodes.push(Node::With(self.branch(branch)?));
                }
                Node::Template(mut call) => {
                    nodes.push(self.line(call.pos));
                    self.calls.push((call.name.to_string(), call.pos.line));
                    call.pipe = call.pipe.map(|pipe| self.pipe(pipe)).transpose()?;
                    nodes.push(Node::Template(call));
                }
                Node::List(inner) => nodes.push(Node::List(self.list_in_scope(inner)?)),
                other @ (Node::Text(_) | Node::Define(_) | Node::Break(_) | Node::Continue(_)) => nodes.push(other),
            }
        }
        Ok(ListNode { pos: list.pos, nodes })
    }

    /// `{{ $__line := __line "template" 12 }}`, which prints nothing.
    fn line(&self, pos: Pos) -> Node {
        let args = vec![
            Expr::Identifier(pos, "__line".into()),
            Expr::String(pos, self.template.into()),
            Expr::Number(pos, Number::Int(pos.line as i64)),
        ];
        let commands = vec![CommandNode { pos, args }];
        Node::Action(ActionNode { pos, pipe: PipeNode { pos, decl: vec!["$__line".into()], commands, is_assign: false } })
    }

    fn action(&mut self, action: ActionNode) -> Result<ActionNode, TemplateError> {
        let pos = action.pos;
        let mut pipe = self.pipe(action.pipe)?;
        if pipe.decl.is_empty() {
            pipe.commands.push(CommandNode { pos, args: vec![Expr::Identifier(pos, "__print".into())] });
        }
        Ok(ActionNode { pos, pipe })
    }

    fn branch(&mut self, branch: BranchNode) -> Result<BranchNode, TemplateError> {
        let depth = self.variables.len();
        let pipe = self.pipe(branch.pipe)?;
        let body = self.list(branch.body)?;
        let else_body = branch.else_body.map(|body| self.list(body)).transpose()?;
        self.variables.truncate(depth);
        Ok(BranchNode { pos: branch.pos, pipe, body, else_body })
    }

    fn pipe(&mut self, pipe: PipeNode) -> Result<PipeNode, TemplateError> {
        let mut commands = Vec::with_capacity(pipe.commands.len());
        for (at, command) in pipe.commands.into_iter().enumerate() {
            commands.push(self.command(command, at > 0)?);
        }
        for name in &pipe.decl {
            if pipe.is_assign {
                self.check_variable(name, pipe.pos)?;
            } else {
                self.variables.push(name.clone());
            }
        }
        Ok(PipeNode { commands, ..pipe })
    }

    fn command(&mut self, command: CommandNode, piped: bool) -> Result<CommandNode, TemplateError> {
        let pos = command.pos;
        let mut args = command.args.into_iter();
        let Some(first) = args.next() else { return Ok(CommandNode { pos, args: Vec::new() }) };
        let mut rest = Vec::new();
        for arg in args {
            rest.push(self.expression(arg)?);
        }
        let called = piped || !rest.is_empty();
        let mut args = match first {
            Expr::Identifier(pos, name) => {
                self.check_function(&name, pos)?;
                vec![Expr::Identifier(pos, name)]
            }
            Expr::Field(pos, names) => self.access(Expr::Dot(pos), names, called, pos),
            Expr::Variable(pos, name, names) if !names.is_empty() => {
                self.check_variable(&name, pos)?;
                self.access(Expr::Variable(pos, name, Vec::new()), names, called, pos)
            }
            Expr::Chain(pos, inner, mut names) => match self.namespaced(&inner, &names) {
                Some(function) if names.len() == 1 => vec![Expr::Identifier(pos, function)],
                Some(function) => {
                    names.remove(0);
                    self.access(pipe_of(vec![Expr::Identifier(pos, function)], pos), names, called, pos)
                }
                None => {
                    let inner = self.expression(*inner)?;
                    self.access(inner, names, called, pos)
                }
            },
            other => vec![self.expression(other)?],
        };
        args.append(&mut rest);
        Ok(CommandNode { pos, args })
    }

    /// `__get base "A" "B"`, or `__call (__get base "A") "B"` when arguments follow.
    fn access(&self, base: Expr, mut names: Vec<SmolStr>, called: bool, pos: Pos) -> Vec<Expr> {
        let text = |name: SmolStr| Expr::String(pos, name.as_str().into());
        let method = if called { names.pop() } else { None };
        let mut args = vec![Expr::Identifier(pos, "__get".into()), base];
        args.extend(names.into_iter().map(text));
        match method {
            None => args,
            Some(method) => {
                let base = if args.len() == 2 { args.remove(1) } else { pipe_of(args, pos) };
                vec![Expr::Identifier(pos, "__call".into()), base, text(method)]
            }
        }
    }

    /// `coll.Dict` of `coll.Dict` or `time.Now.Unix`, when there is such a function.
    fn namespaced(&self, inner: &Expr, names: &[SmolStr]) -> Option<SmolStr> {
        let (Expr::Identifier(_, space), [name, ..]) = (inner, names) else { return None };
        let function = SmolStr::from(format!("{space}.{name}"));
        (self.is_function)(&function).then_some(function)
    }

    fn expression(&mut self, expression: Expr) -> Result<Expr, TemplateError> {
        Ok(match expression {
            Expr::Field(pos, names) => pipe_of(self.access(Expr::Dot(pos), names, false, pos), pos),
            Expr::Variable(pos, name, names) => {
                self.check_variable(&name, pos)?;
                let variable = Expr::Variable(pos, name, Vec::new());
                if names.is_empty() { variable } else { pipe_of(self.access(variable, names, false, pos), pos) }
            }
            Expr::Chain(pos, inner, mut names) => match self.namespaced(&inner, &names) {
                Some(function) => {
                    names.remove(0);
                    let called = pipe_of(vec![Expr::Identifier(pos, function)], pos);
                    if names.is_empty() { called } else { pipe_of(self.access(called, names, false, pos), pos) }
                }
                None => {
                    let inner = self.expression(*inner)?;
                    pipe_of(self.access(inner, names, false, pos), pos)
                }
            },
            Expr::Pipe(pos, pipe) => Expr::Pipe(pos, self.pipe(pipe)?),
            Expr::Identifier(pos, name) => {
                self.check_function(&name, pos)?;
                Expr::Identifier(pos, name)
            }
            other => other,
        })
    }

    fn check_function(&self, name: &str, pos: Pos) -> Result<(), TemplateError> {
        if (self.is_function)(name) {
            return Ok(());
        }
        Err(TemplateError { line: pos.line, message: format!("function {name:?} not defined") })
    }

    fn check_variable(&self, name: &SmolStr, pos: Pos) -> Result<(), TemplateError> {
        if self.variables.contains(name) {
            return Ok(());
        }
        Err(TemplateError { line: pos.line, message: format!("undefined variable \"{name}\"") })
    }
}

fn pipe_of(args: Vec<Expr>, pos: Pos) -> Expr {
    let commands = vec![CommandNode { pos, args }];
    Expr::Pipe(pos, PipeNode { pos, decl: Vec::new(), commands, is_assign: false })
}
