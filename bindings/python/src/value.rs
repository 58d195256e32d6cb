//! From Python objects to [`Value`]s: only which kind an object is, never what becomes of it.
//!
//! Nothing of pydantic, attrs, numpy or pandas is imported: their objects are known by the
//! names of their classes or by the protocols they offer.

use pyo3::exceptions::PyTypeError;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{
    PyBool, PyByteArray, PyBytes, PyDict, PyFloat, PyFrozenSet, PyInt, PyList, PyMapping, PyMemoryView, PySet,
    PyString, PyTuple, PyType,
};
use vambe::{Date, DateTime, InvalidValue, Value};

/// Converts an object and what is in it, and knows which containers it is inside of.
///
/// Fails only when code of an object itself raises.
#[derive(Default)]
pub(crate) struct Converter {
    open: Vec<usize>,
}

impl Converter {
    /// Notes that what is converted next is inside of this container.
    pub(crate) fn enter(&mut self, container: &Bound<'_, PyAny>) {
        self.open.push(container.as_ptr() as usize);
    }

    /// Returns the value that an object is.
    pub(crate) fn value(&mut self, object: &Bound<'_, PyAny>) -> PyResult<Value> {
        // The kinds that JSON has come first: most values are one of them.
        if let Ok(text) = object.cast_exact::<PyString>() {
            return Ok(text_value(text));
        }
        if let Ok(entries) = object.cast_exact::<PyDict>() {
            return self.inside(object, |converter| converter.dict(entries));
        }
        if let Ok(items) = object.cast_exact::<PyList>() {
            return self.inside(object, |converter| converter.items(items.len(), items.iter()));
        }
        if object.is_none() {
            return Ok(Value::Null);
        }
        if let Ok(flag) = object.cast_exact::<PyBool>() {
            return Ok(Value::Bool(flag.is_true()));
        }
        if object.is_exact_instance_of::<PyInt>() {
            return Ok(integer(object));
        }
        if let Ok(number) = object.cast_exact::<PyFloat>() {
            return Ok(Value::Float(number.value()));
        }
        if let Ok(items) = object.cast_exact::<PyTuple>() {
            return self.inside(object, |converter| converter.items(items.len(), items.iter()));
        }
        match self.known_class(object)? {
            Some(value) => Ok(value),
            None => self.by_protocol(object),
        }
    }

    /// Converts an object of a class, or of one derived from it, that has a row in the table of values.
    fn known_class(&mut self, object: &Bound<'_, PyAny>) -> PyResult<Option<Value>> {
        for base in object.get_type().mro() {
            let base = base.cast_into::<PyType>()?;
            let (module, name) = (base.module()?, base.name()?);
            let value = match (module.to_str()?, name.to_str()?) {
                ("enum", "Enum") => self.value(&object.getattr(intern!(object.py(), "value"))?)?,
                ("decimal", "Decimal") | ("uuid", "UUID") => text_value(&object.str()?),
                // Where they are defined differs between versions of pandas.
                (module, "NaTType" | "NAType") if module.starts_with("pandas.") => Value::Float(f64::NAN),
                ("datetime", "datetime") => date_time(object)?,
                ("datetime", "date") => date(object)?,
                ("numpy", "datetime64") => self.numpy_moment(object)?,
                ("numpy", "generic") => self.numpy_scalar(object)?,
                _ => continue,
            };
            return Ok(Some(value));
        }
        Ok(None)
    }

    fn by_protocol(&mut self, object: &Bound<'_, PyAny>) -> PyResult<Value> {
        let py = object.py();
        if let Ok(text) = object.cast::<PyString>() {
            return Ok(text_value(text));
        }
        if object.is_instance_of::<PyInt>() {
            return Ok(integer(object));
        }
        if object.is_instance_of::<PyFloat>() {
            return Ok(Value::Float(object.extract()?));
        }
        if object.is_instance_of::<PyBytes>()
            || object.is_instance_of::<PyByteArray>()
            || object.is_instance_of::<PyMemoryView>()
        {
            return Ok(Value::Invalid(InvalidValue::Bytes));
        }
        if object.is_instance_of::<PyList>() || object.is_instance_of::<PyTuple>() {
            return self.array(object);
        }
        if object.is_instance_of::<PySet>() || object.is_instance_of::<PyFrozenSet>() {
            return self.array(&sorted(object)?);
        }
        let class = object.get_type();
        if class.hasattr(intern!(py, "model_dump"))? {
            let dumped = object.call_method0(intern!(py, "model_dump"))?;
            return self.inside(object, |converter| converter.value(&dumped));
        }
        if let Ok(mapping) = object.cast::<PyMapping>() {
            return self.inside(object, |converter| converter.mapping(mapping));
        }
        if let Some(names) = field_names(&class)? {
            return self.inside(object, |converter| converter.fields(object, names));
        }
        if class.hasattr(intern!(py, "__index__"))? {
            // Arrays have it too, but only those of no dimension are a number.
            return match object.call_method0(intern!(py, "__index__")) {
                Ok(number) => Ok(integer(&number)),
                Err(error) if error.is_instance_of::<PyTypeError>(py) => Ok(Value::Invalid(InvalidValue::Unsupported)),
                Err(error) => Err(error),
            };
        }
        Ok(Value::Invalid(InvalidValue::Unsupported))
    }

    fn array(&mut self, object: &Bound<'_, PyAny>) -> PyResult<Value> {
        self.inside(object, |converter| {
            let values = object.try_iter()?.map(|item| converter.value(&item?));
            Ok(Value::Array(values.collect::<PyResult<_>>()?))
        })
    }

    fn items<'py>(&mut self, count: usize, items: impl Iterator<Item = Bound<'py, PyAny>>) -> PyResult<Value> {
        let mut converted = Vec::with_capacity(count);
        for item in items {
            match plain_text(&item) {
                Some(text) => converted.push(Value::from(text)),
                None => converted.push(self.value(&item)?),
            }
        }
        Ok(Value::Array(converted))
    }

    fn dict(&mut self, entries: &Bound<'_, PyDict>) -> PyResult<Value> {
        let mut converted = Vec::with_capacity(entries.len());
        for (key, value) in entries {
            match (plain_text(&key), plain_text(&value)) {
                // Most of what there is, and made where it stays: moving it costs as much as making it.
                (Some(key), Some(text)) => converted.push((key.to_owned(), Value::from(text))),
                (Some(key), None) => converted.push((key.to_owned(), self.value(&value)?)),
                (None, _) => match self.entry(&key, &value)? {
                    Ok(entry) => converted.push(entry),
                    Err(invalid) => return Ok(Value::Invalid(invalid)),
                },
            }
        }
        Ok(Value::Object(converted))
    }

    fn mapping(&mut self, entries: &Bound<'_, PyMapping>) -> PyResult<Value> {
        let mut converted = Vec::new();
        for item in &entries.items()? {
            let (key, value): (Bound<'_, PyAny>, Bound<'_, PyAny>) = item.extract()?;
            match self.entry(&key, &value)? {
                Ok(entry) => converted.push(entry),
                Err(invalid) => return Ok(Value::Invalid(invalid)),
            }
        }
        Ok(Value::Object(converted))
    }

    fn entry(
        &mut self,
        key: &Bound<'_, PyAny>,
        value: &Bound<'_, PyAny>,
    ) -> PyResult<Result<(String, Value), InvalidValue>> {
        let key = match self.value(key)? {
            Value::Text(key) => key,
            Value::Invalid(InvalidValue::LoneSurrogate) => return Ok(Err(InvalidValue::LoneSurrogate)),
            _ => return Ok(Err(InvalidValue::NonTextKey)),
        };
        Ok(Ok((key, self.value(value)?)))
    }

    fn fields(&mut self, object: &Bound<'_, PyAny>, names: Vec<String>) -> PyResult<Value> {
        let entry = |name: String| Ok((name.clone(), self.value(&object.getattr(name)?)?));
        Ok(Value::Object(names.into_iter().map(entry).collect::<PyResult<_>>()?))
    }

    /// Converts what is inside of a container, unless it is inside of itself or too deep.
    fn inside(
        &mut self,
        container: &Bound<'_, PyAny>,
        convert: impl FnOnce(&mut Self) -> PyResult<Value>,
    ) -> PyResult<Value> {
        let identity = container.as_ptr() as usize;
        if self.open.contains(&identity) {
            return Ok(Value::Invalid(InvalidValue::Cycle));
        }
        if self.open.len() > DEEPEST {
            return Ok(Value::Invalid(InvalidValue::TooDeep));
        }
        self.open.push(identity);
        let converted = convert(self);
        self.open.pop();
        converted
    }

    fn numpy_scalar(&mut self, object: &Bound<'_, PyAny>) -> PyResult<Value> {
        let item = object.call_method0(intern!(object.py(), "item"))?;
        // A long double is its own item.
        if item.get_type().is(object.get_type()) {
            return Ok(item.extract().map_or(Value::Invalid(InvalidValue::Unsupported), Value::Float));
        }
        self.value(&item)
    }

    fn numpy_moment(&mut self, object: &Bound<'_, PyAny>) -> PyResult<Value> {
        let py = object.py();
        let mut item = object.call_method0(intern!(py, "item"))?;
        // Nanoseconds come out as a plain integer, which would lose that it is a moment.
        if item.is_instance_of::<PyInt>() {
            let micros = object.call_method1(intern!(py, "astype"), (intern!(py, "datetime64[us]"),))?;
            item = micros.call_method0(intern!(py, "item"))?;
        }
        if item.is_none() { Ok(Value::Float(f64::NAN)) } else { self.value(&item) }
    }
}

/// Returns the text of an object that is exactly a `str`, and can be sent.
pub(crate) fn plain_text<'o>(object: &'o Bound<'_, PyAny>) -> Option<&'o str> {
    object.cast_exact::<PyString>().ok()?.to_str().ok()
}

fn text_value(text: &Bound<'_, PyString>) -> Value {
    text.to_str().map_or(Value::Invalid(InvalidValue::LoneSurrogate), Value::from)
}

fn integer(object: &Bound<'_, PyAny>) -> Value {
    if let Ok(number) = object.extract::<i64>() {
        return Value::Int(number);
    }
    object.extract::<u64>().map_or(Value::Invalid(InvalidValue::IntegerRange), Value::Uint)
}

/// Returns the names of the fields of a dataclass or an attrs class.
fn field_names(class: &Bound<'_, PyType>) -> PyResult<Option<Vec<String>>> {
    let py = class.py();
    let fields = if class.hasattr(intern!(py, "__dataclass_fields__"))? {
        py.import(intern!(py, "dataclasses"))?.call_method1(intern!(py, "fields"), (class,))?
    } else if class.hasattr(intern!(py, "__attrs_attrs__"))? {
        class.getattr(intern!(py, "__attrs_attrs__"))?
    } else {
        return Ok(None);
    };
    let name = |field: PyResult<Bound<'_, PyAny>>| field?.getattr(intern!(py, "name"))?.extract();
    Ok(Some(fields.try_iter()?.map(name).collect::<PyResult<_>>()?))
}

/// Returns the items in order, so that equal sets give equal bodies; as they come if they have none.
fn sorted<'py>(set: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    let py = set.py();
    let list = py.get_type::<PyList>().call1((set,))?;
    match list.call_method0(intern!(py, "sort")) {
        Err(error) if !error.is_instance_of::<PyTypeError>(py) => Err(error),
        _ => Ok(list),
    }
}

fn date(object: &Bound<'_, PyAny>) -> PyResult<Value> {
    Ok(calendar_date(object)?.map_or(Value::Invalid(InvalidValue::InvalidDate), Value::Date))
}

fn calendar_date(object: &Bound<'_, PyAny>) -> PyResult<Option<Date>> {
    let py = object.py();
    let year = object.getattr(intern!(py, "year"))?.extract()?;
    let month = object.getattr(intern!(py, "month"))?.extract()?;
    Ok(Date::new(year, month, object.getattr(intern!(py, "day"))?.extract()?))
}

fn date_time(object: &Bound<'_, PyAny>) -> PyResult<Value> {
    let py = object.py();
    let time = (
        object.getattr(intern!(py, "hour"))?.extract()?,
        object.getattr(intern!(py, "minute"))?.extract()?,
        object.getattr(intern!(py, "second"))?.extract()?,
    );
    let microsecond: u32 = object.getattr(intern!(py, "microsecond"))?.extract()?;
    // Moments of pandas are finer than those of the standard library.
    let nanosecond: u32 = match object.getattr_opt(intern!(py, "nanosecond"))? {
        Some(nanosecond) => nanosecond.extract()?,
        None => 0,
    };
    let offset = object.call_method0(intern!(py, "utcoffset"))?;
    let offset = match offset.is_none() {
        true => None,
        false => {
            let days: i32 = offset.getattr(intern!(py, "days"))?.extract()?;
            Some(days * 86_400 + offset.getattr(intern!(py, "seconds"))?.extract::<i32>()?)
        }
    };
    let moment =
        calendar_date(object)?.and_then(|date| DateTime::new(date, time, microsecond * 1000 + nanosecond, offset));
    Ok(moment.map_or(Value::Invalid(InvalidValue::InvalidDate), Value::DateTime))
}

// Beyond what the core takes, so that it is the core that refuses.
const DEEPEST: usize = 66;
