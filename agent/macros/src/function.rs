//! What a function says of itself as a tool: its arguments, its context, its words.

use quote::ToTokens;
use syn::spanned::Spanned;
use syn::{
    Attribute, Error, Expr, ExprLit, FnArg, GenericArgument, GenericParam, Ident, ItemFn, Lit, Meta, Pat,
    PatType, PathArguments, Result, ReturnType, Signature, Type,
};

/// A function that can become a tool.
pub struct Function {
    /// The function, its parameters stripped of what only the tool needs.
    pub item: ItemFn,
    /// The doc comment; empty if there is none.
    pub docs: String,
    /// The first parameter, if it is the context.
    pub context: Option<Context>,
    /// The other parameters, in order.
    pub arguments: Vec<Argument>,
    /// What it returns; `None` for nothing.
    pub output: Option<Type>,
}

/// The first parameter: `RunContext<U>` or `&RunContext<U>`.
pub struct Context {
    /// `U`; `None` for the default, `()`.
    pub userdata: Option<Type>,
    /// Whether it is taken by reference.
    pub by_reference: bool,
}

/// A parameter that the model gives.
pub struct Argument {
    pub name: Ident,
    pub ty: Type,
    /// `#[doc]`, `#[serde]` and `#[schemars]`.
    pub attributes: Vec<Attribute>,
}

impl Function {
    /// Reads `item`.
    ///
    /// # Errors
    /// Whatever keeps it from being a tool, at its place.
    pub fn new(mut item: ItemFn) -> Result<Self> {
        check_signature(&item.sig)?;
        let docs = docs(&item.attrs)?;
        let output = match &item.sig.output {
            ReturnType::Default => None,
            ReturnType::Type(_, ty) => Some(owned_output(ty)?),
        };
        let mut context = None;
        let mut arguments = Vec::new();
        for (index, parameter) in item.sig.inputs.iter_mut().enumerate() {
            let parameter = typed(parameter)?;
            match (context_of(&parameter.ty)?, index) {
                (Some(found), 0) => context = Some(found),
                (Some(_), _) => {
                    return Err(Error::new(parameter.ty.span(), "the context is the first parameter"));
                }
                (None, _) => arguments.push(argument(parameter)?),
            }
        }
        check_generics(&item.sig, context.as_ref())?;
        Ok(Self { item, docs, context, arguments, output })
    }
}

fn check_signature(signature: &Signature) -> Result<()> {
    if signature.asyncness.is_none() {
        return Err(Error::new(signature.fn_token.span, "a tool is an async function: write `async fn`"));
    }
    let safety = signature.safety.to_token_stream();
    let unusual = [
        (signature.constness.to_token_stream(), "a tool cannot be `const`"),
        (safety, "a tool cannot be `unsafe` or `safe`"),
        (signature.abi.to_token_stream(), "a tool cannot be `extern`"),
        (signature.variadic.to_token_stream(), "a tool cannot be variadic"),
    ];
    match unusual.into_iter().find(|(tokens, _)| !tokens.is_empty()) {
        Some((tokens, message)) => Err(Error::new_spanned(tokens, message)),
        None => Ok(()),
    }
}

fn check_generics(signature: &Signature, context: Option<&Context>) -> Result<()> {
    let userdata = context.and_then(|context| context.userdata.as_ref()).and_then(single_ident);
    for parameter in &signature.generics.params {
        match parameter {
            GenericParam::Type(parameter) if Some(&parameter.ident) == userdata.as_ref() => {}
            other => {
                return Err(Error::new(
                    other.span(),
                    "a tool is generic over its context's userdata (`RunContext<U>`) and nothing else: the \
                     model cannot choose types",
                ));
            }
        }
    }
    Ok(())
}

fn single_ident(ty: &Type) -> Option<Ident> {
    match ty {
        Type::Path(path) if path.qself.is_none() => path.path.get_ident().cloned(),
        _ => None,
    }
}

fn typed(parameter: &mut FnArg) -> Result<&mut PatType> {
    match parameter {
        FnArg::Typed(parameter) => Ok(parameter),
        FnArg::Receiver(receiver) => Err(Error::new(
            receiver.self_token.span,
            "a tool is a free function; for one with state of its own, let a closure capture the state: \
             `FnTool::new(name, description, move |context, arguments| …)`",
        )),
    }
}

/// The context, if `ty` is `RunContext<U>` or `&RunContext<U>`.
fn context_of(ty: &Type) -> Result<Option<Context>> {
    let (inner, reference) = match ty {
        Type::Reference(reference) => (&*reference.elem, Some(reference)),
        other => (other, None),
    };
    let Type::Path(path) = inner else { return Ok(None) };
    let Some(segment) = path.path.segments.last().filter(|segment| segment.ident == "RunContext") else {
        return Ok(None);
    };
    if reference.is_some_and(|reference| reference.mutability.is_some()) {
        return Err(Error::new(ty.span(), "the context is shared: take `RunContext<U>` or `&RunContext<U>`"));
    }
    let userdata = match &segment.arguments {
        PathArguments::AngleBracketed(generics) => generics.args.iter().find_map(|generic| match generic {
            GenericArgument::Type(userdata) => Some(userdata.clone()),
            _ => None,
        }),
        _ => None,
    };
    Ok(Some(Context { userdata, by_reference: reference.is_some() }))
}

fn argument(parameter: &mut PatType) -> Result<Argument> {
    let name = match &*parameter.pat {
        Pat::Ident(pattern) if pattern.by_ref.is_none() && pattern.subpat.is_none() => pattern.ident.clone(),
        other => {
            return Err(Error::new(other.span(), "give this argument a name: the model sees it"));
        }
    };
    owned_argument(&parameter.ty)?;
    let is_ours = |attribute: &Attribute| {
        ["doc", "serde", "schemars"].iter().any(|ours| attribute.path().is_ident(ours))
    };
    if let Some(cfg) = parameter.attrs.iter().find(|attribute| attribute.path().is_ident("cfg")) {
        return Err(Error::new(cfg.span(), "an argument cannot come and go with `cfg`: make two functions"));
    }
    let (attributes, rest) = std::mem::take(&mut parameter.attrs).into_iter().partition(is_ours);
    parameter.attrs = rest;
    Ok(Argument { name, ty: (*parameter.ty).clone(), attributes })
}

fn owned_argument(ty: &Type) -> Result<()> {
    match ty {
        Type::Reference(_) => Err(Error::new(
            ty.span(),
            "an argument is owned, because the model's text is gone by then: take `String` instead of `&str`, \
             `Vec<T>` instead of `&[T]`",
        )),
        Type::ImplTrait(_) => Err(Error::new(ty.span(), "name the type: the model cannot choose it")),
        _ => Ok(()),
    }
}

fn owned_output(ty: &Type) -> Result<Type> {
    match ty {
        Type::ImplTrait(_) => Err(Error::new(
            ty.span(),
            "name the type that the tool returns, for example `String`, `Json<T>` or `Result<String, ToolError>`",
        )),
        _ => Ok(ty.clone()),
    }
}

/// The doc comment, one space of indentation taken off each line.
fn docs(attributes: &[Attribute]) -> Result<String> {
    let mut lines = Vec::new();
    for attribute in attributes.iter().filter(|attribute| attribute.path().is_ident("doc")) {
        let Meta::NameValue(pair) = &attribute.meta else { continue };
        match &pair.value {
            Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => {
                for line in text.value().lines() {
                    lines.push(line.strip_prefix(' ').unwrap_or(line).trim_end().to_owned());
                }
                if text.value().is_empty() {
                    lines.push(String::new());
                }
            }
            other => {
                return Err(Error::new(
                    other.span(),
                    "the model cannot be told what a macro says: write the doc comment out, or give \
                     `#[tool(description = \"…\")]`",
                ));
            }
        }
    }
    Ok(lines.join("\n").trim().to_owned())
}
